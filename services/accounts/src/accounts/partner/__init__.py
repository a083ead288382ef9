"""Partner applications: systems of others, known by client id and secret."""
