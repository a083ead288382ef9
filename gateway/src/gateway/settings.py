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
    """Store of a request to `d2c` that names none by `Tandem-Store`."""
    default_b2b_store: str = "b2b-eu"
    """The same of a request to `b2b`."""
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

    max_subscriptions: int = Field(default=5000, ge=1)
    """Subscriptions of a process, and open connections that may subscribe."""
    max_connection_subscriptions: int = Field(default=20, ge=1)
    """Operations that one WebSocket may have under way."""
    subscription_backlog: int = Field(default=100, ge=1)
    """Changed things that may wait for one subscriber; who lets more pile up is dropped."""
    subscriber_seconds: float = Field(default=10.0, gt=0)
    """How long a subscriber may take to accept a message, or to introduce itself."""
    heartbeat_seconds: float = Field(default=15.0, gt=0)
    """How often a silent event stream says that it is alive."""
