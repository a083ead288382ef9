"""Writes of carts.

A change is optimistic: the cart is read and changed in memory, priced with no transaction open,
and written in one if nobody was faster. Whoever loses reads again and tries anew, a few times;
so nothing is ever half done, and a cart is never stored that could not be priced.
"""

from orders.cart.commands.change import (
    add_lines,
    change_line,
    quick_order,
    remove_line,
    set_address,
    set_delivery,
)
from orders.cart.commands.open import open_cart
from orders.cart.commands.place import begin_placing, end_placing, reopen_cart

__all__ = [
    "add_lines",
    "begin_placing",
    "change_line",
    "end_placing",
    "open_cart",
    "quick_order",
    "remove_line",
    "reopen_cart",
    "set_address",
    "set_delivery",
]
