"""Units of companies: shops and departments, in a tree."""
