"""Pricing: price lists, prices over two times, tax rates, and what lines cost a buyer."""
