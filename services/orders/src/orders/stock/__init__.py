"""Warehouses, stock and reservations."""
