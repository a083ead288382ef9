"""Rules of a pasted list: how its lines are read, and which of them can be taken.

A list comes from a spreadsheet, a mail or a CSV file. What cannot be read for sure is refused,
never guessed: a wrong quantity is dearer than a line to mend. Nothing here reads or writes.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from contracts.ids import SKU_PATTERN
from contracts.orders import MAX_CART_LINES, MAX_QUICK_ORDER_LINES
from contracts.pricing import MAX_QUANTITY, PriceResolution, PricingOutcome
from orders.cart.domain import CartState, add_lines, priced_by_ref
from orders.errors import CartTooLong, QuickOrderTooLong, has_no_price, not_sold
from orders.product.domain import SkuFacts

LINE_UNREADABLE = "line-unreadable"
QUANTITY_UNREADABLE = "quantity-unreadable"
QUANTITY_TOO_LARGE = "quantity-too-large"
SKU_NOT_ORDERABLE = "sku-not-orderable"
NO_PRICE = "no-price"

_LINE_END = re.compile(r"\r\n|\r|\n")
_SKU = re.compile(SKU_PATTERN)
_SEPARATORS = "\t;,"
_GROUPED = re.compile(r"[0-9]{1,3}([, '\u2019])[0-9]{3}(?:\1[0-9]{3})*")
_SIGNED = re.compile(r"[+-][0-9][0-9.,]*")
_PLAIN = {
    **{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"), " "),
    **dict.fromkeys(map(ord, "\ufeff\u200b")),
}
"""Full-width characters as their plain twins, other spaces as the plain one, marks as nothing."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """A line that could be read. `line` is its number in the text, the first is 1."""

    line: int
    text: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not taken, and why."""

    line: int
    text: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Taking:
    """Which lines of a list are taken and which are not."""

    taken: Sequence[Pasted]
    refused: Sequence[Refused] = field(default_factory=list)


class _Unreadable(Exception):
    """Why a line cannot be read: a code and what would do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_list(text: str) -> tuple[list[Pasted], list[Refused]]:
    """The lines of a list that can be read, and those that cannot. Raises QuickOrderTooLong.

    Empty lines are passed over, and so is a heading above the others.
    """
    shown = _LINE_END.split(text)
    lines = [
        (number, line)
        for number, line in enumerate(_LINE_END.split(_as_plain(text)), start=1)
        if line.strip(' \t;,"')
    ]
    if len(lines) > MAX_QUICK_ORDER_LINES:
        raise QuickOrderTooLong
    pasted: list[Pasted] = []
    refused: list[Refused] = []
    for index, (number, line) in enumerate(lines):
        if index == 0 and _is_heading(line):
            continue
        told = shown[number - 1].strip()[:200]
        try:
            sku, quantity = read_line(line)
        except _Unreadable as why:
            refused.append(Refused(number, told, why.code, why.message))
        else:
            pasted.append(Pasted(number, told, sku, quantity))
    return pasted, refused


def read_line(line: str) -> tuple[str, int]:
    """SKU and quantity of a line that is not empty; one piece where it names no quantity."""
    cells = _cells(line)
    if any(cells[2:]):
        raise _Unreadable(LINE_UNREADABLE, "A line has a SKU and a quantity, and nothing else.")
    sku, quantity = [*cells, ""][:2]
    if _SKU.fullmatch(sku) is None:
        raise _Unreadable(LINE_UNREADABLE, "There is no SKU at the beginning of this line.")
    return sku, read_quantity(quantity) if quantity else 1


def read_quantity(cell: str) -> int:
    """A whole number of pieces; thousands may be grouped by comma, space or apostrophe."""
    digits = re.sub(r"[^0-9]", "", cell) if _GROUPED.fullmatch(cell) else cell
    if not re.fullmatch(r"[0-9]+", digits) or not digits.strip("0"):
        raise _Unreadable(
            QUANTITY_UNREADABLE, f"The quantity must be a whole number from 1 to {MAX_QUANTITY}."
        )
    digits = digits.lstrip("0")
    if len(digits) > len(str(MAX_QUANTITY)) or int(digits) > MAX_QUANTITY:
        raise _Unreadable(QUANTITY_TOO_LARGE, f"A line has at most {MAX_QUANTITY} pieces.")
    return int(digits)


def take(cart: CartState, pasted: Sequence[Pasted], sold: Mapping[str, SkuFacts]) -> Taking:
    """Take the lines that are sold to the cart's buyer, as far as a line of the cart may grow."""
    quantities = {line.sku: line.quantity for line in cart.lines}
    taken: list[Pasted] = []
    refused: list[Refused] = []
    for one in pasted:
        quantity = quantities.get(one.sku, 0) + one.quantity
        if one.sku not in sold:
            refused.append(_refuse(one, SKU_NOT_ORDERABLE, not_sold(one.sku)))
        elif quantity > MAX_QUANTITY:
            message = f"A line has at most {MAX_QUANTITY} pieces, with those already in the cart."
            refused.append(_refuse(one, QUANTITY_TOO_LARGE, message))
        else:
            quantities[one.sku] = quantity
            taken.append(one)
    if len(quantities) > MAX_CART_LINES:
        raise CartTooLong(field="/text")
    return Taking(taken, refused)


def put_taken(cart: CartState, taken: Sequence[Pasted], *, line_ids: Sequence[UUID]) -> CartState:
    """Put taken lines into the cart; a SKU that is in already grows."""
    wanted = [(one.sku, one.quantity) for one in taken]
    return add_lines(cart, wanted, line_ids=line_ids)


def refuse_unsellable(
    cart: CartState, taking: Taking, resolution: PriceResolution | None
) -> Taking:
    """Refuse taken lines whose SKU has no price, or cannot be sold in the quantity that the cart
    would have of it.
    """
    priced = priced_by_ref(resolution)
    why: dict[str, tuple[str, str]] = {}
    for line in cart.lines:
        known = priced.get(str(line.id))
        if known is None or known.outcome is PricingOutcome.NO_PRICE:
            why[line.sku] = (NO_PRICE, has_no_price(line.sku))
        elif known.quantity_problem is not None:
            why[line.sku] = (known.quantity_problem.code, known.quantity_problem.message)
    refused = [_refuse(one, *why[one.sku]) for one in taking.taken if one.sku in why]
    if not refused:
        return taking
    kept = [one for one in taking.taken if one.sku not in why]
    return Taking(kept, [*taking.refused, *refused])


def _refuse(one: Pasted, code: str, message: str) -> Refused:
    return Refused(one.line, one.text, code, message)


def _as_plain(text: str) -> str:
    """The text with plain digits, signs and spaces in the place of their other forms."""
    plain = text.translate(_PLAIN)
    if plain.isascii():
        return plain
    return "".join(
        one if one.isascii() or (digit := unicodedata.decimal(one, None)) is None else str(digit)
        for one in plain
    )


def _cells(line: str) -> list[str]:
    """A line's cells: parted by tab, else semicolon, else comma, else the last space."""
    separator = next((one for one in _SEPARATORS if one in line), None)
    if separator is None:
        return _parted_by_space(line.replace('"', ""))
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    except (csv.Error, ValueError):
        raise _Unreadable(LINE_UNREADABLE, "The quotes of this line do not match.") from None
    return [cell.strip() for cell in cells]


def _parted_by_space(line: str) -> list[str]:
    """The last word is the quantity if it is a number; a SKU may have spaces in it."""
    sku, _, last = line.strip().rpartition(" ")
    if sku and (_SIGNED.fullmatch(last) or last.isdecimal()):
        return [sku.strip(), last]
    return [line.strip()]


def _is_heading(line: str) -> bool:
    """Whether a first line names columns: words where SKU and quantity would be, no digit."""
    try:
        cells = _cells(line)
    except _Unreadable:
        return False
    if cells[0].casefold() == "sku":
        return True
    is_parted = any(one in line for one in _SEPARATORS)
    if not is_parted:
        return line.casefold().startswith("sku ") and not any(map(str.isdecimal, line))
    sku, quantity = [*cells, ""][:2]
    return bool(sku and quantity) and not any(map(str.isdecimal, sku + quantity))
