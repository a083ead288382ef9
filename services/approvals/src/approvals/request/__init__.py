"""Requests to go on with something, and decisions on them."""
