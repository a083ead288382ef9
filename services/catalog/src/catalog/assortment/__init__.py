"""Assortments: parts of the catalog, by rule, and whom each is for."""
