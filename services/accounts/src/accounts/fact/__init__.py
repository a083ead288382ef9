"""What is known of a company by its orders: how many, how much, when last."""
