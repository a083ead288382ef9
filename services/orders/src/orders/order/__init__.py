"""Orders, and the process that places them."""
