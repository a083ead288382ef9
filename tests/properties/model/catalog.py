"""What the shop sells, and where."""

from contracts.catalog import PutProduct, PutStore
from tests.properties.model.kept import Kept
from tests.properties.model.refused import Refused


class Catalog:
    """Stores and products. A SKU stands at one product."""

    def __init__(self) -> None:
        self.stores: Kept[PutStore] = Kept()
        self.products: Kept[PutProduct] = Kept()

    def put_product(self, key: str, body: PutProduct) -> int:
        """Write a product whole; a SKU of another one must be taken off there first."""
        wanted = skus_of(body)
        for other, product in self.products.bodies.items():
            if other != key and wanted & skus_of(product):
                raise Refused(409, "sku-taken")
        return self.products.put(key, body)

    def sold(self, sku: str) -> tuple[str, PutProduct] | None:
        """The product that buyers can have this SKU of."""
        for key, product in self.products.bodies.items():
            if product.is_published and sku in skus_of(product):
                return key, product
        return None


def skus_of(product: PutProduct) -> set[str]:
    """What can be ordered of it."""
    return {variant.sku for variant in product.variants}


def named(names: dict[str, str], locale: str) -> str:
    """The name in a locale; English where it was not translated. All have an English one."""
    return names.get(locale, names["en"])
