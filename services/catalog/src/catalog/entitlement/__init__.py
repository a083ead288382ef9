"""Entitlement: which SKUs a buyer of a store may order."""
