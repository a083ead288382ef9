"""What can go wrong in catalog.

```
NotFound
├── StoreNotFound
├── CategoryNotFound
├── AssortmentNotFound
└── ProductNotFound         unpublished, invisible and unknown alike
Invalid
├── CategoryUnknown         a field names a category that is not there
├── CategoryInCycle         a category may not stand below itself
├── CategoryTooDeep         the tree has a limit
├── AssortmentUnknown       a field names an assortment that is not there
└── KeyReserved             the key is a word of the API's own paths
Conflict
├── SkuTaken                the SKU belongs to another product
└── SlugTaken               another product has that slug in that locale
```
A lost `If-Match` is the chassis' `VersionNotCurrent`.
"""

from contracts.problems import Conflict, Invalid, NotFound


class StoreNotFound(NotFound):
    """There is no such store."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no store {key}.")


class CategoryNotFound(NotFound):
    """There is no such category."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no category {key}.")


class AssortmentNotFound(NotFound):
    """There is no such assortment."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no assortment {key}.")


class ProductNotFound(NotFound):
    """There is no such product, or buyers may not see it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no product {name}.")


class CategoryUnknown(Invalid):
    """A field names a category that is not there."""

    def __init__(self, key: str, *, field: str) -> None:
        super().__init__(f"there is no category {key}", field=field)


class CategoryInCycle(Invalid):
    """The parent stands below the category, or is the category itself."""

    def __init__(self, key: str, parent: str) -> None:
        super().__init__(f"{key} cannot stand below {parent}: a cycle", field="/parent")


class CategoryTooDeep(Invalid):
    """The tree would have more levels than allowed."""

    def __init__(self, depth: int) -> None:
        super().__init__(f"the tree may be at most {depth} levels deep", field="/parent")


class AssortmentUnknown(Invalid):
    """A field names an assortment that is not there."""

    def __init__(self, key: str, *, field: str) -> None:
        super().__init__(f"there is no assortment {key}", field=field)


class KeyReserved(Invalid):
    """The key could not be read again, for its path means something else."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is a word of the API's paths; choose another key", field="/key")


class SkuTaken(Conflict):
    """A SKU belongs to one product, and this one belongs to another."""

    def __init__(self, sku: str, owner: str, *, field: str) -> None:
        super().__init__(
            f"SKU {sku} belongs to product {owner}; take it off there first", field=field
        )


class SlugTaken(Conflict):
    """Another product has this slug in this locale."""

    def __init__(self, slug: str, owner: str, *, field: str) -> None:
        super().__init__(f"slug {slug} belongs to product {owner}; choose another", field=field)
