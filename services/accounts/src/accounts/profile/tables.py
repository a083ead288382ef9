"""The table of access that was taken away."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class RevocationRow(Base):
    """Tokens of this subject that were issued at that moment or before are refused."""

    __tablename__ = "revocations"
    __table_args__ = (Index("ix_revocations_valid_after", "valid_after"),)

    subject: Mapped[str] = mapped_column(CODE, primary_key=True)
    valid_after: Mapped[datetime]
    version: Mapped[int]
