"""Members of companies: people who act for a unit."""
