"""Holds on credit and budget for orders that are being placed, and the credit they leave."""
