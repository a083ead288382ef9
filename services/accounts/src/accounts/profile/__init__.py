"""Profiles of buyers, which other services keep copies of, and access that was taken away."""
