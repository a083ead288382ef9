"""Catalog: stores, categories, products, and which SKUs may be ordered."""
