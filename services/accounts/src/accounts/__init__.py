"""Tandem's accounts: who may do what, and the tokens that say so."""
