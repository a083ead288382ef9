"""Tandem: approvals."""
