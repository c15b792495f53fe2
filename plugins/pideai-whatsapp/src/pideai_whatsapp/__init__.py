"""WhatsApp messages for PideAI stores."""
