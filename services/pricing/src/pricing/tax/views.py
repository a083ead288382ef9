"""Tax rates as they cross the border."""

from typing import Any

from sqlalchemy import Row

from contracts.pricing import TaxRate
from pricing.tax.domain import rate_text
from pricing.tax.tables import TaxRateRow


def as_tax_rate(row: TaxRateRow | Row[Any]) -> TaxRate:
    """A tax rate as pricing keeps it."""
    return TaxRate(
        key=row.key,
        country=row.country,
        tax_class=row.tax_class,
        rate=rate_text(row.rate),
        name=row.name,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        version=row.version,
        updated_at=row.updated_at,
    )
