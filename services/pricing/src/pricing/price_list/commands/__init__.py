"""Writes of price lists (`lists`) and of the prices in them (`prices`)."""

from pricing.price_list.commands.lists import put_price_list
from pricing.price_list.commands.prices import put_lines, put_price

__all__ = ["put_lines", "put_price", "put_price_list"]
