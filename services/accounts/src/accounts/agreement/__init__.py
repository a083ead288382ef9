"""Agreements: what was settled with a company on paying and credit."""
