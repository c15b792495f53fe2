"""WhatsApp messages for PideAI stores: the order's confirmation and its status notices."""
