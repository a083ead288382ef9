"""The merchant's own systems in a company's journey: CRM, ERP and WMS, with a partner's rights.

They know the shop only by its public REST APIs.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts.catalog import (
    AssignmentEffect,
    AssortmentAssignment,
    AssortmentRule,
    BuyerLevel,
    PutAssortment,
)
from contracts.companies import Budget, Company, Credit, PutCompany
from contracts.feed import Changes
from contracts.ids import new_id
from contracts.orders import Order, OrderPlaced, ShipmentLineInput, ShipOrder, StockLevel
from tandem.demo.shop import expect
from tandem.demo_data import portal
from tandem.demo_data.loading import WAREHOUSE
from tandem.demo_data.partner import Partner

PATIENCE_S = 30.0
RANGE = ("lighting", "candles")
"""Categories that the company of the journey may buy from."""
TURNOVER = Decimal(2000)
"""In GBP; what the company is trusted with follows from it, as for all companies of the demo."""


@dataclass(frozen=True)
class Founded:
    """A company of its own for one journey."""

    key: str
    password: str = field(repr=False)

    @property
    def name(self) -> str:
        return f"Demo Gifts {self.key.rpartition('-')[2]}"

    @property
    def budget(self) -> str:
        return f"{self.key}-shop"

    def email(self, who: str) -> str:
        """What the company's buyer, approver or admin signs in with."""
        return f"{who}@{self.key}.example"

    def member(self, who: str) -> str:
        """The key of that member."""
        return f"{self.key}-{who}"


def new_company() -> Founded:
    """A company that nobody has made yet."""
    return Founded(f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Standing:
    """What a company holds and uses: of its credit, its budget, and of the merchant's stock."""

    credit: Credit
    budget: Budget
    stock: dict[str, StockLevel]

    def held(self) -> tuple[str, str, str, str, dict[str, tuple[int, int]]]:
        """All that an order changes, to the cent and the piece."""
        credit, budget = self.credit.balance, self.budget.balance
        pieces = {sku: (level.on_hand, level.reserved) for sku, level in self.stock.items()}
        money = (credit.held, credit.used, budget.held, budget.used)
        first, second, third, fourth = (amount.amount for amount in money)
        return first, second, third, fourth, pieces

    @property
    def reserved(self) -> int:
        """Pieces promised to orders, of these SKUs."""
        return sum(level.reserved for level in self.stock.values())


class Merchant:
    """What the merchant's systems do."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    async def found(self, company: Founded) -> None:
        """Make the company with its units, agreement, budget and members."""
        key, put = company.key, self._partner.put
        path = f"/v1/companies/{key}"
        made = PutCompany(name=company.name, country="GB", currency=portal.CURRENCY, tags=["demo"])
        await put("accounts", path, made)
        for unit, one in portal.units(key).items():
            await put("accounts", f"{path}/units/{unit}", one)
        agreement = portal.agreement(key, TURNOVER)
        await put("accounts", f"/v1/agreements/{key}-terms", agreement)
        budget = portal.budget(key, now=datetime.now(UTC))
        await put("accounts", f"/v1/budgets/{company.budget}", budget)
        for member, who in portal.members(key, password=company.password).items():
            await put("accounts", f"{path}/members/{member}", who)

    async def choose_range(self, company: Founded) -> None:
        """Say which part of the catalog the company sees: lights and candles."""
        key = company.key
        await self._partner.put(
            "catalog",
            f"/v1/assortments/{key}-range",
            PutAssortment(
                name=f"What {company.name} sees",
                stores=[portal.STORE],
                include=AssortmentRule(categories=list(RANGE)),
                assignments=[
                    AssortmentAssignment(
                        level=BuyerLevel.COMPANY, key=key, effect=AssignmentEffect.NARROW
                    )
                ],
            ),
        )

    async def company(self, company: Founded) -> Company:
        """The company as accounts keeps it."""
        answer = await self._partner.get("accounts", f"/v1/companies/{company.key}")
        return Company.model_validate(answer)

    async def standing(self, company: Founded, skus: Iterable[str]) -> Standing:
        """What is held and used now."""
        get = self._partner.get
        credit = await get("accounts", f"/v1/companies/{company.key}/credit")
        budget = await get("accounts", f"/v1/budgets/{company.budget}")
        stock = {}
        for sku in skus:
            level = await get("orders", f"/v1/warehouses/{WAREHOUSE}/stock/{sku}")
            stock[sku] = StockLevel.model_validate(level)
        return Standing(Credit.model_validate(credit), Budget.model_validate(budget), stock)

    async def read_feed(self, number: str) -> OrderPlaced:
        """The order as the ERP finds it in the change feed, read from its beginning."""
        after = None
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            page = Changes.model_validate(
                await self._partner.get(
                    "orders", "/v1/changes", types=OrderPlaced.type, limit=200, after=after
                )
            )
            after = page.next
            told = [OrderPlaced.model_validate(event.data) for event in page.items]
            found = [order for order in told if order.number == number]
            expect(len(found) <= 1, f"The feed tells of {number} more than once.")
            if found:
                return found[0]
            if not page.items:
                expect(time.monotonic() < give_up_at, f"The feed does not tell of {number}.")
                await asyncio.sleep(0.05)

    async def ship(self, number: str, lines: list[tuple[str, int]] | None, tracking: str) -> Order:
        """Post a parcel: these lines, or all that is left."""
        parcel: dict[str, Any] = {"carrier": "Royal Mail", "tracking_number": tracking}
        if lines is not None:
            parcel["lines"] = [
                ShipmentLineInput(sku=sku, quantity=quantity) for sku, quantity in lines
            ]
        answer = await self._partner.post(
            "orders", f"/v1/orders/{number}/shipments", ShipOrder(**parcel), key=str(new_id())
        )
        return Order.model_validate(answer)
