"""Signing in: an e-mail address and a password for a token of ten minutes."""
