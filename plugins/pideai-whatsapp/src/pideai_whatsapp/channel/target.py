"""Where providers report to, and the word by which a store's reports are known.

The word follows from the operator's key and the store's id, so that no table holds it and every process knows it. The
key may be two, separated by a comma, the newest first, while the old one is being replaced.
"""

import hmac
from hashlib import sha256
from typing import Final
from uuid import UUID

from pideai_host.api import Secrets
from pideai_whatsapp.providers.base import ProviderConfiguration, WebhookTarget

KEY: Final = "webhook_key"
PUBLIC_URL: Final = "public_url"

_PURPOSE: Final = b"pideai-whatsapp/"


def webhook_target(secrets: Secrets, store_id: UUID) -> WebhookTarget:
    """Return where a store's provider reports to.

    Raises:
        ProviderConfiguration: the operator has not set a key and a public address.
    """
    words, url = webhook_secrets(secrets, store_id), secrets.operator(PUBLIC_URL)
    if not words or not url:
        raise ProviderConfiguration("Este servidor no tiene configurados la dirección pública y la clave de avisos.")
    return WebhookTarget(url=f"{url.rstrip('/')}/webhooks/plugins/whatsapp/{store_id}", secret=words[0])


def webhook_secrets(secrets: Secrets, store_id: UUID) -> list[str]:
    """Return the words that reports of a store may carry, the one of today first."""
    keys = (secrets.operator(KEY) or "").split(",")
    return [_word(key.strip(), store_id) for key in keys if key.strip()]


def _word(key: str, store_id: UUID) -> str:
    return hmac.new(key.encode(), _PURPOSE + store_id.bytes, sha256).hexdigest()
