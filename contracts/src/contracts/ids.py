"""Identifiers: UUIDv7 made by us, `key` made by the partner, SKU printed on the box."""

import os
import time
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
SKU_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9 ._~-]{0,62}[A-Za-z0-9._~-])?$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
COUNTRY_PATTERN = r"^[A-Z]{2}$"
LOCALE_PATTERN = r"^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?$"

Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
"""A partner's own name for a thing it masters: letters, digits and `. _ ~ -`, 128 at most,
beginning with a letter or digit; case-sensitive; never a slash, so that it fits a URL path."""

Sku = Annotated[str, StringConstraints(pattern=SKU_PATTERN)]
"""A stock keeping unit: 1 to 64 characters, case-sensitive (`85123A` is not `85123a`)."""

CountryCode = Annotated[str, StringConstraints(pattern=COUNTRY_PATTERN)]
"""ISO 3166-1 alpha-2."""

Locale = Annotated[str, StringConstraints(pattern=LOCALE_PATTERN)]
"""BCP 47: a language, a script where needed, a region: `en`, `en-GB`, `zh-Hant-TW`."""


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Ids made later sort later (to the millisecond), which keeps B-trees dense.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80 | random
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)
