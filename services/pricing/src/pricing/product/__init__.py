"""What pricing keeps of the products that catalog owns."""
