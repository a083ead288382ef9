"""Reads of the copy of stores."""

from sqlalchemy import CTE, ColumnElement, any_, func, select

from pricing.store.tables import StoreRow


def selling(
    key: ColumnElement[str],
    currency: ColumnElement[str | None],
    country: ColumnElement[str | None],
) -> CTE:
    """A store, and the currency and country of a sale there: those asked for, or its defaults.

    `sells` and `serves` say whether the store has them.
    """
    wanted_currency = func.coalesce(currency, StoreRow.currencies[1])
    wanted_country = func.coalesce(country, StoreRow.countries[1])
    return (
        select(
            StoreRow.key,
            StoreRow.tax_display,
            StoreRow.audience,
            wanted_currency.label("currency"),
            wanted_country.label("country"),
            (wanted_currency == any_(StoreRow.currencies)).label("sells"),
            (wanted_country == any_(StoreRow.countries)).label("serves"),
        )
        .where(StoreRow.key == key)
        .cte("selling")
    )
