"""Assortments in change: writing them, and the tags of the products that belong to them."""
