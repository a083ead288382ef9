"""A cart's secret: 256 random bits, told once; only its SHA-256 is kept."""

import hashlib
import hmac
import secrets


def make_secret() -> str:
    """A new secret, URL-safe."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """What is kept of a secret. Its 256 bits need neither salt nor stretching."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def opens(secret: str | None, secret_hash: bytes) -> bool:
    """Whether this is the secret, compared in constant time; none opens nothing."""
    return secret is not None and hmac.compare_digest(hash_secret(secret), secret_hash)
