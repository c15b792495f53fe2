"""The PideAI plugin host: from a change in the shop's database to every plugin that the store has installed."""

__version__ = "0.1.0"
