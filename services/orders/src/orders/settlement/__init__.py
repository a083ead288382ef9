"""Capturing and refunding the payments of orders."""
