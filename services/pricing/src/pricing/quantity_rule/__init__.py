"""How many of a SKU are sold at once."""
