"""Signed webhooks for PideAI stores."""
