"""Payments, their ledger, and the notices of results that come later."""
