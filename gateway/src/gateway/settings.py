"""The gateway's environment: the chassis' settings, the buyer's defaults and what is allowed."""

from pydantic import Field

from chassis.settings import Settings as ChassisSettings


class Settings(ChassisSettings):
    """Every setting is read from `TANDEM_<NAME>`."""

    service: str = "gateway"
    port: int = 8000
    body_limit_bytes: int = 100_000
    own_scopes: frozenset[str] = frozenset()

    default_store: str = "d2c-uk"
    """Store of a request that names none by `Tandem-Store`."""
    cors_origins: frozenset[str] = frozenset()
    """Origins of browser storefronts that may call from elsewhere, as a JSON list:
    `["https://shop.example"]`. None by default: a storefront that calls from its server needs none.
    """
    introspection: bool = True
    graphiql: bool = True
    """Serve the offline query page to browsers that open an endpoint."""

    max_depth: int = Field(default=10, ge=1)
    max_aliases: int = Field(default=15, ge=0)
    max_tokens: int = Field(default=2000, ge=1)
    max_selections: int = Field(default=1000, ge=1)
    """Fields and fragments of an operation, the fragments spread out."""
    max_pairs: int = Field(default=3000, ge=0)
    """Pairs of fields that answer under the same name in the same place; validation compares
    each with each other, which is what a small query can make it spend most on."""
    max_directives: int = Field(default=50, ge=0)
    documents: int = Field(default=1000, ge=1)
    """Parsed and validated documents that are kept, the most recently used ones."""

    cache_seconds: float = Field(default=60.0, ge=0)
    """How long stores and categories are kept at most; an event drops them at once."""
    cache_entries: int = Field(default=1000, ge=1)
    enrichment_seconds: float = Field(default=2.0, gt=0)
    """How long a list waits for prices before it answers without them."""
