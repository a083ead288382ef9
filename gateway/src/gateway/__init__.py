"""Tandem's GraphQL gateway: composes the services for headless frontends, decides nothing."""
