"""The table of availability: a copy of what orders tells."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.db import Base


class AvailabilityRow(Base):
    """How much of a SKU can be promised. The SKU need not be known here yet."""

    __tablename__ = "availability"

    sku: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    available: Mapped[int]
    sequence: Mapped[int]
