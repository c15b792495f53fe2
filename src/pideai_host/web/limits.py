"""How much one request may bring."""

from typing import Final

WEBHOOK_BODY_MAX_BYTES: Final = 1_048_576
"""A database change carries two whole rows; Supabase itself sends no more."""

WEBHOOK_HEADERS_MAX: Final = 100
WEBHOOK_HEADERS_MAX_BYTES: Final = 32_768
"""A provider's signatures and tokens, several times over."""

API_BODY_MAX_BYTES: Final = 262_144
"""A configuration is written by a person, a form or a script."""

BODY_LIMIT_S: Final = 15.0
"""A sender that drips its body holds a connection no longer."""
