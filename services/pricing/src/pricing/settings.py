"""What pricing's environment may say beyond the chassis' own settings."""

from chassis.settings import DatabaseSettings


class PricingSettings(DatabaseSettings):
    """The pricing service."""

    service: str = "pricing"
    port: int = 8002
