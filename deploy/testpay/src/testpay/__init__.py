"""The test payment provider: a stranger to the shop, with a ledger of its own."""
