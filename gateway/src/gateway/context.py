"""One request's context: whose buyer it is, whom to call, what was remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry
from graphql import GraphQLError

from chassis.auth import GUEST, Actor, TokenMissing
from chassis.http import Neighbours
from contracts.buyers import TokenBuyer
from contracts.problems import Problem
from gateway.cache import Cached
from gateway.errors import MemberOnly, SubscriptionByRequest, problem_error
from gateway.selection import Selection, selection_of
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.catalog.types import CategoryTree
    from gateway.live.hub import Session

Wire: TypeAlias = Mapping[str, Any]
"""A neighbour's JSON object, of the shape that its contract gives."""

_MOST_LANGUAGES = 20


@dataclass(kw_only=True)
class Caches:
    """What all requests of a process share."""

    stores: Cached[Wire]
    categories: Cached["CategoryTree"]

    def of_one_viewer(self, settings: Settings) -> "Caches":
        """For a request whose viewer may see other categories than the next one does."""
        wait = settings.deadline_seconds
        own: Cached[CategoryTree] = Cached("catalog", seconds=60.0, entries=1, wait_seconds=wait)
        return Caches(stores=self.stores, categories=own)

    def drop_all(self) -> None:
        """Forget everything."""
        self.stores.drop()
        self.categories.drop()


@dataclass(kw_only=True)
class Context:
    """Made anew for each request."""

    settings: Settings
    neighbours: Neighbours
    caches: Caches
    store: str
    languages: tuple[str, ...]
    actor: Actor = GUEST
    token: str | None = None
    """The caller's own token, handed on to the services; never in `d2c`, where all are guests."""
    session: "Session | None" = None
    """The connection that subscriptions of this request live on."""
    notes: list[GraphQLError] = field(default_factory=list)
    """Errors beside an answer that is whole but for some null fields."""

    def note(self, problem: Problem, path: list[str | int]) -> None:
        """Tell once why a neighbour's fields are null below that path."""
        self.notes.append(problem_error(problem, path=path))

    def buyer(self) -> TokenBuyer:
        """Whom the caller acts for, by their token. Raises TokenMissing, MemberOnly."""
        if self.actor.kind == "guest":
            raise TokenMissing
        if self.actor.buyer is None:
            raise MemberOnly
        return self.actor.buyer

    def subscriber(self) -> tuple["Session", str]:
        """The connection to tell changes on, and the company whose they are.

        Raises TokenMissing, MemberOnly, SubscriptionByRequest.
        """
        company = self.buyer().company
        if self.session is None:
            raise SubscriptionByRequest
        return self.session, company


Info: TypeAlias = strawberry.Info[Context, None]


def selected(info: Info) -> Selection:
    """What is selected below the field that is being resolved."""
    return selection_of(info._raw_info)


def path_of(info: Info) -> list[str | int]:
    """Where the field that is being resolved stands in the answer."""
    return info._raw_info.path.as_list()


def languages_of(header: str | None) -> tuple[str, ...]:
    """The languages of an `Accept-Language` header, the most wanted first; RFC 9110, 12.5.4."""
    ranked: list[tuple[float, str]] = []
    for part in (header or "").split(",")[:_MOST_LANGUAGES]:
        tag, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        if tag and tag != "*" and quality > 0:
            ranked.append((-quality, tag.strip()))
    return tuple(tag for _, tag in sorted(ranked, key=lambda one: one[0]))


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def choose_locale(languages: tuple[str, ...], locales: list[str]) -> str:
    """The store's locale that fits best, by RFC 4647 lookup; its first one if none does.

    `fr-CA` finds `fr-CA`, else `fr`; and `fr` finds `fr-FR` where the store speaks no other.
    """
    by_lower = {locale.lower(): locale for locale in locales}
    for language in languages:
        wanted = language.lower()
        while wanted:
            if wanted in by_lower:
                return by_lower[wanted]
            wanted = wanted.rpartition("-")[0]
    for language in languages:
        prefix = language.lower().partition("-")[0] + "-"
        for lower, locale in by_lower.items():
            if lower.startswith(prefix):
                return locale
    return locales[0]
