"""From an installed distribution to a callable hook."""
