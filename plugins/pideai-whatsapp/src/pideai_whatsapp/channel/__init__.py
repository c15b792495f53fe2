"""A store's channel to WhatsApp: whether its phone is linked, what becomes of its messages, who watches over both."""
