"""What lines cost a buyer."""
