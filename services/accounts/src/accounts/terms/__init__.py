"""Agreements with companies, told to those who are concerned: above companies and profiles."""
