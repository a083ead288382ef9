"""Subscriptions: who is connected, what wakes them, and the two ways to them."""
