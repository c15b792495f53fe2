"""The way out: HTTP clients that cannot be turned against the host's own network."""
