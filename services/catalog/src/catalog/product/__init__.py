"""Products and their variants: writing, listing, searching, reading."""
