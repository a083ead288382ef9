"""What the schema shows of orders: delivery, carts, placing, orders."""
