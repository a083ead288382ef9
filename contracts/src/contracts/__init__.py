"""The only words that Tandem's services share: requests, answers, events and value types.

Pydantic models and rules of values (how money rounds) live here; what a service decides
does not. One module an owner, and only the owner changes it: additive, or as a new version.
"""
