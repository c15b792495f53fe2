"""The way of an event, in its order."""
