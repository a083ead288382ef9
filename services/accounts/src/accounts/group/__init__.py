"""Customer groups: which companies belong together, by rule or by hand."""
