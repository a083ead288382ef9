"""What guests do: several in an example, by REST or GraphQL, well or badly."""

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from contracts.orders import Address, Placement
from tests.properties import wishes
from tests.properties.doors import (
    UNKNOWN_ID,
    Answer,
    Opener,
    Rest,
    check_cart,
    check_order,
    check_refused,
)
from tests.properties.model.refused import Refused
from tests.properties.model.selling import Order, wire
from tests.properties.town import Guest, Town, a_town

MOST_GUESTS = 8
EMAIL = "ada@example.com"
has_guests = precondition(lambda town: town.guests)
has_room = precondition(lambda town: len(town.guests) < MOST_GUESTS)
guests = st.integers(0, MOST_GUESTS - 1)


class Guests(Town):
    """Steps of guests, each with one cart."""

    def guest(self, number: int) -> Guest:
        """One of those who are there."""
        return self.guests[number % len(self.guests)]

    def lines_of(self, lines: list[tuple[int, int]]) -> list[tuple[str, int]]:
        """Lines by SKU."""
        return [(self.name("sku", sku), quantity) for sku, quantity in lines]

    def change(self, guest: Guest, work: Any, model: Any) -> None:
        """A change of a cart; the answer is the cart as it is then."""
        told = self.ask(work, model)
        if told is not None:
            self.note(guest, *told)

    def note(self, guest: Guest, answer: Answer, expected: Any, status: int = 200) -> None:
        """Keep what the cart's lines are called."""
        cart = check_cart(answer, expected, status=status)
        assert str(cart.id) == guest.held.cart_id
        guest.held.line_ids = {line.sku: str(line.id) for line in cart.lines}

    @initialize(town=a_town, lines=wishes.lines, attempts=wishes.attempts)
    def begin_town(
        self, town: dict[str, Any], lines: list[tuple[int, int]], attempts: list[wishes.Attempt]
    ) -> None:
        """A town where one guest has filled a cart and another has submitted one a few times."""
        self.open_town(**town)
        self.fill("rest", lines, 0)
        self.go_and_buy("graph", lines, 1, attempts)

    @has_room
    @rule(
        door=wishes.doors,
        store=st.sampled_from(["own", "own", "own", "unknown"]),
        currency=st.none() | st.sampled_from(wishes.CURRENCIES),
        locale=st.sampled_from([None, "en", "fr", "de"]),
        lines=st.lists(st.tuples(st.integers(0, 4), wishes.doubtful_quantities), max_size=2),
    )
    def open_cart(
        self,
        door: str,
        store: str,
        currency: str | None,
        locale: str | None,
        lines: list[tuple[int, int]],
    ) -> None:
        """A cart, maybe in a store, currency or locale that there is not."""
        if (
            door == "graph"
        ):  # the gateway chooses the store by its default, the locale by what is spoken
            store, locale = "own", None if locale == "de" else locale
        key = self.store if store == "own" else self.name("elsewhere")
        self.begin(door, key, currency, locale, lines)

    def begin(
        self,
        door: str,
        store: str,
        currency: str | None,
        locale: str | None,
        lines: list[tuple[int, int]],
    ) -> Guest | None:
        """Open a cart; who holds it."""
        wanted = self.lines_of(lines)
        wish = {"currency": currency, "locale": locale, "lines": as_lines(wanted)}
        told = self.ask(
            self.doors[door].open(store, wish),
            lambda: self.selling.open(store, currency, locale, wanted),
        )
        if told is None:
            return None
        answer, cart = told
        opened = answer.body["cart"]
        guest = Guest(cart, Opener(store, opened["id"], answer.body["secret"]))
        shown = Answer(opened, status=answer.status)
        self.note(guest, shown, self.selling.show_cart(cart), status=201)
        self.guests.append(guest)
        return guest

    @has_room
    @rule(door=wishes.doors, lines=wishes.lines, country=st.integers(0, 1))
    def walk_in(self, door: str, lines: list[tuple[int, int]], country: int) -> None:
        """A cart that can be ordered, if what it needs is there."""
        self.fill(door, lines, country)

    @has_room
    @rule(
        door=wishes.doors,
        lines=wishes.lines,
        country=st.integers(0, 1),
        attempts=wishes.attempts,
    )
    def buy(
        self,
        door: str,
        lines: list[tuple[int, int]],
        country: int,
        attempts: list[wishes.Attempt],
    ) -> None:
        """The whole way to an order, if what it needs is there."""
        self.go_and_buy(door, lines, country, attempts)

    def go_and_buy(
        self,
        door: str,
        lines: list[tuple[int, int]],
        country: int,
        attempts: list[wishes.Attempt],
    ) -> None:
        """Fill a cart and submit it, maybe again."""
        guest = self.fill(door, lines, country)
        if guest is not None:
            for attempt in attempts:
                self.submit_by(door, guest, attempt)

    def fill(self, door: str, lines: list[tuple[int, int]], country: int) -> Guest | None:
        """A cart with goods, address and delivery."""
        guest = self.begin(door, self.store, None, None, lines)
        if guest is not None:
            served = [one for one in self.terms.countries if one in wishes.TAXED]
            self.address(guest, door, served[country % len(served)], None)
            self.deliver(guest, door, 0)
        return guest

    @has_guests
    @rule(
        number=guests,
        door=wishes.doors,
        lines=wishes.doubtful_lines,
        key=st.sampled_from(["none", "new", "again", "again with another body"]),
    )
    def add_lines(self, number: int, door: str, lines: list[tuple[int, int]], key: str) -> None:
        """More of some SKUs; under an idempotency key it is done once."""
        guest, wanted = self.guest(number), self.lines_of(lines)
        sent = None if key == "none" else self.new_key()
        if key.startswith("again") and guest.added:
            sent, before = guest.added[-1]
            wanted = before if key == "again" else [*before, (self.name("sku"), 1)]
        if sent is not None:
            guest.added.append((sent, wanted))
        self.change(
            guest,
            self.doors[door].add(guest.held, as_lines(wanted), sent),
            lambda: self.selling.add(guest.cart, wanted, key=sent),
        )

    @has_guests
    @rule(
        number=guests,
        door=wishes.doors,
        line=wishes.few,
        quantity=wishes.doubtful_quantities,
        version=st.sampled_from([None, None, 0, -1]),
    )
    def change_line(
        self, number: int, door: str, line: int, quantity: int, version: int | None
    ) -> None:
        """Another quantity, maybe of a line that is not there, or seen before a later change."""
        guest = self.guest(number)
        sku = sku_of(guest, line)
        if version is None:
            work = self.doors[door].change(guest.held, sku, quantity)
        else:
            version += guest.cart.version
            work = Rest(self.live).change(guest.held, sku, quantity, version)
        self.change(
            guest,
            work,
            lambda: self.selling.change(guest.cart, sku, quantity, version=version),
        )

    @has_guests
    @rule(number=guests, door=wishes.doors, line=wishes.few)
    def remove_line(self, number: int, door: str, line: int) -> None:
        """A line less, maybe one that is not there."""
        guest = self.guest(number)
        sku = sku_of(guest, line)
        self.change(
            guest,
            self.doors[door].remove(guest.held, sku),
            lambda: self.selling.remove(guest.cart, sku),
        )

    @has_guests
    @rule(
        number=guests,
        door=wishes.doors,
        country=st.sampled_from([*wishes.COUNTRIES, "FR"]),
        billing=st.none() | st.just("FR"),
    )
    def set_address(self, number: int, door: str, country: str, billing: str | None) -> None:
        """Who buys and where it goes, maybe where the store does not go."""
        self.address(self.guest(number), door, country, billing)

    def address(self, guest: Guest, door: str, country: str, billing: str | None) -> None:
        """Set both addresses."""
        to = an_address(country)
        bill_to = None if billing is None else an_address(billing)
        wish = {
            "email": EMAIL,
            "delivery_address": to.model_dump(),
            "billing_address": None if bill_to is None else bill_to.model_dump(),
        }
        self.change(
            guest,
            self.doors[door].address(guest.held, wish),
            lambda: self.selling.address(guest.cart, EMAIL, to, bill_to),
        )

    @has_guests
    @rule(number=guests, door=wishes.doors, method=st.integers(0, 2))
    def set_delivery(self, number: int, door: str, method: int) -> None:
        """How it is brought, maybe by a method that is not offered."""
        self.deliver(self.guest(number), door, method)

    def deliver(self, guest: Guest, door: str, method: int) -> None:
        """Choose a method."""
        key = self.name("method", method)
        self.change(
            guest,
            self.doors[door].deliver(guest.held, key),
            lambda: self.selling.deliver(guest.cart, key),
        )

    @has_guests
    @rule(
        number=guests,
        door=wishes.doors,
        attempt=wishes.attempt,
    )
    def place(self, number: int, door: str, attempt: wishes.Attempt) -> None:
        """Submit a cart, for the first time or again."""
        self.submit_by(door, self.guest(number), attempt)

    def submit_by(self, door: str, guest: Guest, attempt: wishes.Attempt) -> None:
        """Submit a cart by a door; without a key nothing is begun."""
        key, agreement, token = attempt
        if key == "none":
            wish = as_wish(("", (1, "GBP"), token))
            answer = self.live.do(Rest(self.live).place(guest.held, wish, ""))
            check_refused(answer, Refused(400, "idempotency-key-missing"))
            return
        sent = self.submission(guest, key, agreement, token)
        self.submit(guest, sent, self.doors[door].place(guest.held, as_wish(sent), sent[0]))

    @has_guests
    @rule(number=guests, token=wishes.tokens)
    def place_twice_at_once(self, number: int, token: str) -> None:
        """Two of the same submit at the same moment come to one end, which both are told."""
        guest, door = self.guest(number), Rest(self.live)
        sent = self.submission(guest, "new", "shown", token)

        async def both() -> Answer:
            one, other = await asyncio.gather(
                *(door.place(guest.held, as_wish(sent), sent[0]) for _ in range(2))
            )
            for answer in (one, other):
                answer.body.pop("request_id", None)
            assert one == other
            return one

        self.submit(guest, sent, both())

    def submission(
        self, guest: Guest, key: str, agreement: str, token: str
    ) -> tuple[str, tuple[int, str], str]:
        """The key, the total agreed to and the card of a submit."""
        if key.startswith("again") and guest.submitted:
            sent, agreed, before = guest.submitted[-1]
            other = "tok_other" if before == "tok_ok" else "tok_ok"
            return sent, agreed, before if key == "again" else other
        try:
            minor, currency = self.selling.total(guest.cart)
        except Refused:
            minor, currency = 100, guest.cart.currency
        if agreement == "less":
            minor = max(minor - 1, 0) if minor else 1
        elif agreement == "other currency":
            currency = "JPY" if currency != "JPY" else "GBP"
        submission = (self.new_key(), (minor, currency), token)
        guest.submitted.append(submission)
        return submission

    def submit(self, guest: Guest, sent: tuple[str, tuple[int, str], str], work: Any) -> None:
        """Ask both; a new order must have a number that no other has."""
        key, agreed, token = sent
        told = self.ask(
            work, lambda: self.selling.place(guest.cart, key=key, agreed=agreed, token=token)
        )
        if told is None:
            return
        answer, order = told
        assert answer.status in (None, 201)
        placement = Placement.model_validate(answer.body)
        assert placement.status.value == "placed"
        assert placement.order is not None
        if guest.cart.order_number is None:
            assert placement.order.number not in {
                one.number for one in self.selling.orders if one is not order
            }
            self.selling.note_number(guest.cart, order, placement.order.number)
            guest.placement = str(placement.id)
        assert guest.placement == str(placement.id)
        check_order(Answer(answer.body["order"]), order.shown)

    @has_guests
    @rule(
        number=guests,
        door=wishes.doors,
        secret=st.sampled_from(["none", "wrong", "another guest's", "unknown cart"]),
        action=st.sampled_from(["read", "add", "change", "remove", "address", "deliver", "place"]),
    )
    def knock(self, number: int, door: str, secret: str, action: str) -> None:
        """Whoever has not the secret finds no cart, and changes nothing."""
        guest = self.guest(number)
        others = [one.held.secret for one in self.guests if one is not guest]
        held = replace(guest.held)
        if secret == "unknown cart":
            held.cart_id = UNKNOWN_ID
        elif secret == "none":
            held.secret = None
        else:
            held.secret = others[0] if others and secret != "wrong" else f"{held.secret}x"
        way, sku = self.doors[door], sku_of(guest, 0)
        address = {"email": EMAIL, "delivery_address": an_address("GB").model_dump()}
        work = {
            "read": lambda: way.read(held),
            "add": lambda: way.add(held, as_lines([(self.name("sku"), 1)]), None),
            "change": lambda: way.change(held, sku, 1),
            "remove": lambda: way.remove(held, sku),
            "address": lambda: way.address(held, address),
            "deliver": lambda: way.deliver(held, self.name("method")),
            "place": lambda: way.place(
                held, as_wish(("", (1, guest.cart.currency), "tok_ok")), self.new_key()
            ),
        }[action]
        check_refused(self.live.do(work()), Refused(404, "cart-not-found"))

    @has_guests
    @rule(number=guests, door=wishes.doors)
    def read_cart(self, number: int, door: str) -> None:
        """The cart as it costs now."""
        guest = self.guest(number)
        self.change(
            guest,
            self.doors[door].read(guest.held),
            lambda: self.selling.show_cart(guest.cart),
        )

    @has_guests
    @rule(number=guests, other=guests, door=wishes.doors)
    def read_order(self, number: int, other: int, door: str) -> None:
        """An order is opened by its own cart's secret and by no other."""
        guest, reader = self.guest(number), self.guest(other)
        wanted = guest.cart.order_number or "T-1"
        told = self.ask(
            self.doors[door].order(reader.held, wanted),
            lambda: self.order_for(reader, wanted),
        )
        if told is not None:
            check_order(told[0], told[1].shown)

    def order_for(self, reader: Guest, number: str) -> Order:
        """The order of that number, if it is the reader's."""
        if reader.cart.order_number != number:
            raise Refused(404, "order-not-found")
        return next(one for one in self.selling.orders if one.number == number)


def as_lines(lines: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Lines as they are sent."""
    return [{"sku": sku, "quantity": quantity} for sku, quantity in lines]


def as_wish(sent: tuple[str, tuple[int, str], str]) -> dict[str, Any]:
    """The body of a submit."""
    _, agreed, token = sent
    return {"agreed_total": wire(*agreed), "payment": {"method": "test", "token": token}}


def sku_of(guest: Guest, line: int) -> str | None:
    """The SKU of a line, None for one more than there are."""
    skus = list(guest.cart.lines)
    return skus[line] if line < len(skus) else None


def an_address(country: str) -> Address:
    """An address in a country."""
    return Address(name="Ada Lovelace", line1="12 St James's Square", city="Town", country=country)
