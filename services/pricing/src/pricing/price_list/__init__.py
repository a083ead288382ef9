"""Price lists and the prices in them, over both times."""
