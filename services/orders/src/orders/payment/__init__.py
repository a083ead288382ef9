"""Payments, behind a port."""
