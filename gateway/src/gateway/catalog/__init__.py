"""What the schema shows of catalog: store, categories, products."""
