"""Words: which a product is found by, and what a buyer's words ask for.

Words are cut and folded here rather than by a text search configuration of the server, so that
every server, whatever its locale, finds the same: `Métal` is found by `metal`, `LANTERN` by
`lanterns`, and scripts without spaces are cut into pairs of characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_WANTED = 16
"""Words of a search beyond these are ignored."""
MAX_LEXEMES = 2_000
MAX_WORDS = 999
_LONGEST_WORD = 64
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_POSSESSIVE = re.compile("['\u2019]s\\b")
_SKU = re.compile(r"[a-z0-9 ._~-]{1,64}")
_UNDECOMPOSED = str.maketrans(
    {"\u0142": "l", "\u00f8": "o", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u0131": "i"}
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A buyer's words as tsquery texts: found by these, best if it is the SKU or whole words."""

    found: str
    exact_sku: str
    whole: str


def fold(text: str) -> str:
    """Take off what should not matter: case, accents, widths of letters."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return unicodedata.normalize("NFC", bare).translate(_UNDECOMPOSED)


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in their order; runs without spaces as overlapping pairs."""
    words: list[str] = []
    for word in _WORD.findall(_POSSESSIVE.sub("", fold(text))):
        if _IS_UNSPACED.match(word):
            words.extend(word[start : start + 2] for start in range(len(word)))
        else:
            words.append(word[:_LONGEST_WORD])
    return words


def lexemes(
    names: Mapping[str, str], skus: Iterable[str], variant_names: Iterable[Mapping[str, str]]
) -> list[str]:
    """What a product is found by: each SKU whole, and every word of SKUs and names."""
    known: dict[str, None] = {}
    for sku in skus:
        known["=" + fold(sku)] = None
        known.update(dict.fromkeys(words_of(sku)))
    for texts in (names, *variant_names):
        for text in texts.values():
            known.update(dict.fromkeys(words_of(text)))
    return list(known)[:MAX_LEXEMES]


def own_lexemes(names: Mapping[str, str], sku: str, variant_name: Mapping[str, str]) -> list[str]:
    """What a product is found by only because of this variant: without the words of its name."""
    of_product = {word for name in names.values() for word in words_of(name)}
    return [word for word in lexemes({}, [sku], [variant_name]) if word not in of_product]


def word_count(names: Mapping[str, str]) -> int:
    """Words of the shortest name: of two products found alike, the plainer one comes first."""
    return min(MAX_WORDS, min(len(words_of(name)) for name in names.values()))


def wanted(search: str) -> Wanted:
    """What a buyer's words ask for.

    Every word must begin some word of the product, in any order; or the whole is one of its
    SKUs, in any case. What is no letter or digit only separates, so nothing in it is an operator.
    """
    words = list(dict.fromkeys(words_of(search)))[:MAX_WANTED]
    begun = " & ".join(_any_form(word) for word in words)
    folded = fold(search).strip()
    exact_sku = f"'={folded}'" if _SKU.fullmatch(folded) else ""
    found = " | ".join(f"({query})" for query in (exact_sku, begun) if query)
    return Wanted(found, exact_sku, " & ".join(f"'{word}'" for word in words))


def _any_form(word: str) -> str:
    forms = " | ".join(f"'{form}':*" for form in _forms(word))
    return f"({forms})"


def _forms(word: str) -> list[str]:
    """The word, and what it may be the plural of; a prefix covers the other way round."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return [word]
    if word.endswith("ies"):
        return [word, word[:-3] + "y"]
    if word.endswith("es"):
        return [word, word[:-2]]
    return [word[:-1]]
