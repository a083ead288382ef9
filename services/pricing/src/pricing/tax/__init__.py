"""Tax rates by country and class of goods."""
