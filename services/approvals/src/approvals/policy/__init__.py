"""Which requests need a person, and which person."""
