"""Budgets: how much a unit, with those below it, may spend in a window of time."""
