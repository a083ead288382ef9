"""Ledgers of credit and of budgets: what is held, what is used, and every movement of it."""
