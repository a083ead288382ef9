"""The tree with its products: what a viewer sees of it; writing categories, and what follows."""
