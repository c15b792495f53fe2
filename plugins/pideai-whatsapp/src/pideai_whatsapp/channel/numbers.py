"""Whose a number of Meta's is: the first store's whose token Meta takes for it, as long as that store names it.

Anybody can write any number's id into a configuration, and with one app for all stores Meta's signature says nothing of
the store. So an id alone claims nothing, keeps nobody out and hears nothing. See ADR 0058.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from pideai_host.api import ConfigRejected, PluginContext
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.providers.base import ProviderConfiguration, ProviderProblem, ProviderUnavailable
from pideai_whatsapp.providers.choose import meta_for
from pideai_whatsapp.providers.sections import META_APP_SECRET, META_PHONE_NUMBER_ID
from pideai_whatsapp.statements import statement

FOREIGN_NUMBER: Final = "El número pertenece a otra tienda."
PROOF_LIMIT_S: Final = 5.0
ASKED_AGAIN_AFTER_S: Final = 60.0
KEPT_MAX: Final = 10_000


def mark_of(phone_number_id: str) -> str:
    """Return the key under which a store that proved a number keeps that, for `WebhookLookup.by_storage`."""
    return f"meta-number/{phone_number_id}"


class MetaNumbers:
    """Asks and proves whose a number is; remembers for a minute that Meta said no.

    Args:
        monotonic: Clock in seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._refused_s: dict[tuple[UUID, str], float] = {}

    async def require_own(self, config: WhatsAppConfig, context: PluginContext) -> None:
        """Take the number of a configuration for its store, whichever provider is chosen; leave what cannot be proved.

        Raises:
            ConfigRejected: another store has proved that the number is its own.
        """
        if config.meta is None:
            return
        is_own = await _is_own(config.meta.phone_number_id, context)
        if is_own is None:
            try:
                is_own = await _prove(config.meta.phone_number_id, config, context)
            except ProviderProblem as problem:
                context.log.warning("whatsapp number not proved", problem=problem.code)
                return
        if not is_own and await _is_own(config.meta.phone_number_id, context) is False:
            raise ConfigRejected({META_PHONE_NUMBER_ID: FOREIGN_NUMBER})

    async def may_hear(self, config: WhatsAppConfig, context: PluginContext) -> bool:
        """Tell whether a genuine call about the configured number is for this store; a claim left open is made now.

        What a store's own app has signed is for that store anyway: it gives the secret.

        Raises:
            ProviderUnavailable: Meta cannot be asked now; the call is to come again.
        """
        if config.meta is None:
            return False
        if await context.secrets.get(META_APP_SECRET):
            return True
        number = config.meta.phone_number_id
        is_own = await _is_own(number, context)
        if is_own is not None:
            return is_own
        asked_s = self._refused_s.get((context.store_id, number))
        if asked_s is not None and self._monotonic() - asked_s < ASKED_AGAIN_AFTER_S:
            return False
        try:
            if await _prove(number, config, context):
                return True
        except ProviderConfiguration:
            pass
        if len(self._refused_s) >= KEPT_MAX:
            self._refused_s.clear()
        self._refused_s[context.store_id, number] = self._monotonic()
        return False


async def _is_own(phone_number_id: str, context: PluginContext) -> bool | None:
    """Tell whether the store holds a number; None if no store does."""
    held = await context.db.fetch_one(
        statement("number_holder"), {"phone_number_id": phone_number_id, "store_id": context.store_id}
    )
    return None if held is None else bool(held["is_own"])


async def _prove(phone_number_id: str, config: WhatsAppConfig, context: PluginContext) -> bool:
    """Have Meta say that the store's token opens the number, and take it; False if it does not or another was faster.

    Raises:
        ProviderConfiguration: the store has no token.
        ProviderUnavailable: Meta cannot say so now.
    """
    provider = await meta_for(config, context)
    try:
        async with asyncio.timeout(PROOF_LIMIT_S):
            is_proved = await provider.has_number()
    except TimeoutError as problem:
        raise ProviderUnavailable("WhatsApp Cloud no respondió a tiempo.") from problem
    if not is_proved:
        context.log.warning("whatsapp number not proved", problem="refused")
        return False
    # The mark first: a holder without it would not be found beside another store that has an old one.
    await context.storage.set(mark_of(phone_number_id), value=True)
    numbers = {"phone_number_id": phone_number_id, "store_id": context.store_id}
    return await context.db.execute(statement("number_claim"), numbers) == 1
