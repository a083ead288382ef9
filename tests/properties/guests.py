"""What guests do with their carts: several in an example, by REST or GraphQL, well or badly."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.orders import Address
from tests.properties import wishes
from tests.properties.doors import Answer, Opener, Rest, check_cart
from tests.properties.town import Guest, Town

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
    @rule(number=guests, door=wishes.doors)
    def read_cart(self, number: int, door: str) -> None:
        """The cart as it costs now."""
        guest = self.guest(number)
        self.change(
            guest,
            self.doors[door].read(guest.held),
            lambda: self.selling.show_cart(guest.cart),
        )


def as_lines(lines: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Lines as they are sent."""
    return [{"sku": sku, "quantity": quantity} for sku, quantity in lines]


def sku_of(guest: Guest, line: int) -> str | None:
    """The SKU of a line, None for one more than there are."""
    skus = list(guest.cart.lines)
    return skus[line] if line < len(skus) else None


def an_address(country: str) -> Address:
    """An address in a country."""
    return Address(name="Ada Lovelace", line1="12 St James's Square", city="Town", country=country)
