"""What the schema shows of pricing: money, and what a SKU costs."""
