"""Tandem's approvals: who must say yes before something goes on."""
