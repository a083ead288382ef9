"""Stores: one portal each, with its audience, currencies, locales and countries."""
