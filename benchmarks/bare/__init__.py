"""The baseline: the same three writes and the same signed webhook, with nothing around them."""
