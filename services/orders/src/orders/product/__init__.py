"""What orders must know of products and SKUs: a local copy."""
