"""What pricing keeps of the stores that catalog owns."""
