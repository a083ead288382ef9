"""The tree in change: writing categories, and what follows for the products in them."""
