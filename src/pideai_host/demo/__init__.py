"""The main job on one machine: a real order becomes a WhatsApp message and a signed webhook."""
