"""The local copy of catalog's stores."""

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class StoreRow(Base):
    """A store as of `sequence`, its version at catalog."""

    __tablename__ = "stores"

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    sequence: Mapped[int]
    currencies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    locales: Mapped[list[str]] = mapped_column(ARRAY(Text))
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audience: Mapped[str] = mapped_column(Text)
    default_assortment: Mapped[str | None] = mapped_column(Text)
