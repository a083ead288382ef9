"""Viewers: what whoever asks may see of a store, as one condition on the tags of products."""
