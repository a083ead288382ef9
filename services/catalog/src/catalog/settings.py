"""Catalog's environment: what every service with a database has, under catalog's defaults."""

from chassis.settings import DatabaseSettings


class CatalogSettings(DatabaseSettings):
    """Nothing of its own so far."""

    service: str = "catalog"
    port: int = 8001
