"""What the schema shows of approvals: requests, and decisions on them."""
