"""The HTTP surface: the one place where all is put together."""
