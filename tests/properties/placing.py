"""How guests submit their carts, rightly, wrongly and again, and what strangers try."""

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from contracts.orders import Placement
from tests.properties import wishes
from tests.properties.doors import UNKNOWN_ID, Answer, Rest, check_order, check_refused
from tests.properties.guests import (
    EMAIL,
    Guests,
    an_address,
    as_lines,
    guests,
    has_guests,
    has_room,
    sku_of,
)
from tests.properties.model.refused import Refused
from tests.properties.model.selling import Order, wire
from tests.properties.town import Guest, a_town


class Placing(Guests):
    """Steps to an order, and to a cart or an order of somebody else."""

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


def as_wish(sent: tuple[str, tuple[int, str], str]) -> dict[str, Any]:
    """The body of a submit."""
    _, agreed, token = sent
    return {"agreed_total": wire(*agreed), "payment": {"method": "test", "token": token}}
