"""Rules of products: what a write may do, which slug is made of a name, when input is the same.

Nothing here reads or writes; `judge` is told what is stored and says what becomes of each line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from catalog.errors import CategoryUnknown, KeyReserved, SkuTaken, SlugTaken
from catalog.product.words import fold
from contracts.bulk import LineOutcome
from contracts.catalog import PutProduct
from contracts.problems import Problem

RESERVED_KEYS = frozenset({"by-slug"})
MAX_SLUG = 160

SlugKey = tuple[str, str]
"""Locale and slug."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a write has to know of a product that is there."""

    id: UUID
    version: int
    digest: UUID
    skus: frozenset[str]
    slugs: frozenset[SlugKey]


@dataclass(slots=True)
class Holdings:
    """Who holds which SKU and slug: as stored, then as each accepted line leaves it."""

    stored: Mapping[str, Stored]
    skus: dict[str, str]
    slugs: dict[SlugKey, str]

    def take(self, key: str, skus: Iterable[str], slugs: Iterable[SlugKey]) -> None:
        """Let a product hold these, and no longer what else it held."""
        before = self.stored.get(key)
        if before is not None:
            for sku in before.skus:
                self.skus.pop(sku, None)
            for slug in before.slugs:
                self.slugs.pop(slug, None)
        self.skus.update(dict.fromkeys(skus, key))
        self.slugs.update(dict.fromkeys(slugs, key))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one product of a write; `slug` is complete where it is accepted."""

    key: str
    outcome: LineOutcome
    digest: UUID
    slug: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


def judge(
    products: Sequence[tuple[str, PutProduct]],
    holdings: Holdings,
    paths: Mapping[str, Sequence[str]],
) -> list[Verdict]:
    """Say what becomes of each product, in their order; no key comes twice.

    A line sees what the accepted lines before it did, so a SKU may move in one request from a
    product that drops it to a later one that takes it. `paths` has the categories that exist.
    """
    return [_judge_one(key, body, holdings, paths) for key, body in products]


def _judge_one(
    key: str, body: PutProduct, holdings: Holdings, paths: Mapping[str, Sequence[str]]
) -> Verdict:
    digest = digest_of(body)
    stored = holdings.stored.get(key)
    if stored is not None and stored.digest == digest:
        return Verdict(key, LineOutcome.UNCHANGED, digest)
    slug = complete_slug(key, body, holdings.slugs)
    problems = [
        *([KeyReserved(key)] if key in RESERVED_KEYS else []),
        *_unknown_categories(body, paths),
        *_taken_skus(key, body, holdings.skus),
        *_taken_slugs(key, slug, holdings.slugs),
    ]
    if problems:
        return Verdict(key, LineOutcome.REFUSED, digest, problems=problems)
    holdings.take(key, (variant.sku for variant in body.variants), slug.items())
    outcome = LineOutcome.CREATED if stored is None else LineOutcome.UPDATED
    return Verdict(key, outcome, digest, slug)


def is_claim(body: PutProduct, verdict: Verdict, holdings: Holdings) -> bool:
    """Whether an accepted write asks for a key, SKU or slug that its product has not had yet."""
    stored = holdings.stored.get(verdict.key)
    return (
        stored is None
        or not stored.skus.issuperset(variant.sku for variant in body.variants)
        or not stored.slugs.issuperset(verdict.slug.items())
    )


def digest_of(body: PutProduct) -> UUID:
    """Equal for equal input, whatever the order of its locales; the key is not part of it."""
    content = orjson.dumps(
        body.model_dump(mode="json", exclude={"key"}), option=orjson.OPT_SORT_KEYS
    )
    return UUID(bytes=blake2b(content, digest_size=16).digest())


def _unknown_categories(body: PutProduct, paths: Mapping[str, Any]) -> list[Problem]:
    return [
        CategoryUnknown(category, field=f"/categories/{index}")
        for index, category in enumerate(body.categories)
        if category not in paths
    ]


def _taken_skus(key: str, body: PutProduct, owners: Mapping[str, str]) -> list[Problem]:
    return [
        SkuTaken(variant.sku, owners[variant.sku], field=f"/variants/{index}/sku")
        for index, variant in enumerate(body.variants)
        if owners.get(variant.sku, key) != key
    ]


def _taken_slugs(key: str, slug: Mapping[str, str], owners: Mapping[SlugKey, str]) -> list[Problem]:
    return [
        SlugTaken(text, owners[locale, text], field=f"/slug/{locale}")
        for locale, text in slug.items()
        if owners.get((locale, text), key) != key
    ]


def complete_slug(key: str, body: PutProduct, owners: Mapping[SlugKey, str]) -> dict[str, str]:
    """The given slugs, and for the other locales of the name those made of it.

    Keys that differ in case or signs only make the same slug; the later product's gets a
    fingerprint of its key then.
    """
    made = {}
    for locale, name in body.name.items():
        plain, marked = slugs_for(name, key)
        made[locale] = plain if owners.get((locale, plain), key) == key else marked
    return made | body.slug


def slugs_wanted(key: str, body: PutProduct) -> set[SlugKey]:
    """Every slug that `complete_slug` may come to."""
    made = {(locale, slug) for locale, name in body.name.items() for slug in slugs_for(name, key)}
    return made | set(body.slug.items())


def slugs_for(name: str, key: str) -> tuple[str, str]:
    """Two slugs of a name and key: the plain one, and one that no other key makes."""
    tail = _slugified(key) or _fingerprint(key)
    plain = _joined(_slugified(name), tail)
    return plain, _joined(_slugified(name), f"{tail}-{_fingerprint(key)}")


def _joined(head: str, tail: str) -> str:
    room = MAX_SLUG - len(tail) - 1
    return f"{head[: max(room, 0)].rstrip('-')}-{tail}".strip("-")


def _slugified(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def _fingerprint(key: str) -> str:
    return blake2b(key.encode(), digest_size=4).hexdigest()


def placements_of(categories: Iterable[str], paths: Mapping[str, Sequence[str]]) -> list[str]:
    """These categories and all those above them, each once, in the order of their keys."""
    return sorted({key for category in categories for key in paths[category]})
