"""The way of one message: which one, for whom, at most once, and what became of it."""
