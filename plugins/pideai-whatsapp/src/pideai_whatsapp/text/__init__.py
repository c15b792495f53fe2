"""What customers read: templates, tokens, amounts, phone numbers. Nothing here knows a database or a provider."""
