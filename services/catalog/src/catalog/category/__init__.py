"""Categories: the tree and its reads."""
