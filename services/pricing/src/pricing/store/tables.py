"""The local copy of catalog's stores, as far as prices need them."""

from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pricing.db import CODE, Base


class StoreRow(Base):
    """A store. `sequence` is catalog's version of it; of currencies and countries the first is
    the default.
    """

    __tablename__ = "stores"

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    sequence: Mapped[int]
    currencies: Mapped[list[str]] = mapped_column(ARRAY(CODE))
    countries: Mapped[list[str]] = mapped_column(ARRAY(CODE))
    tax_display: Mapped[str]
    audience: Mapped[str]
