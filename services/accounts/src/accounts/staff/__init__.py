"""People of the merchant."""
