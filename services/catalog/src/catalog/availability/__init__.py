"""Availability: how much of a SKU can be promised, copied from orders."""
