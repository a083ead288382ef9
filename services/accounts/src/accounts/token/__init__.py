"""Access tokens: RFC 6749 client credentials in, RFC 9068 JWT out."""
