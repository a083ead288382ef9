"""Text as it crosses a border: plain, or one per locale."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from contracts.ids import Locale


def _storable(text: str) -> str:
    """Refuse what no database column or JSON reader takes: NUL and lone surrogates."""
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain lone surrogates") from None
    return text


ShortText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_storable),
]
"""1 to 200 characters, white space around it taken off."""

LongText = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_storable)]
"""Up to 20,000 characters."""

LocalizedName = Annotated[dict[Locale, ShortText], Field(min_length=1, max_length=50)]
"""A name per locale, one at least: `{"en": "Lantern", "fr": "Lanterne"}`."""

LocalizedText = Annotated[dict[Locale, LongText], Field(max_length=50)]
"""A text per locale, maybe none."""


Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00]{1,64}@[^@\s.\x00]+(\.[^@\s.\x00]+)+$", max_length=254),
]
"""A mail address; whether it is read is found out by writing to it."""


def in_locale(texts: dict[str, str], locale: str, default: str = "en") -> str | None:
    """Choose the text for a reader: the locale, its language, the default, else the first.

    This is the lookup of RFC 4647, 3.4: `fr-CA` falls back to `fr` before it leaves French.
    """
    wanted = locale
    while wanted:
        if wanted in texts:
            return texts[wanted]
        wanted = wanted.rpartition("-")[0]
    if default in texts:
        return texts[default]
    return next(iter(texts.values()), None)
