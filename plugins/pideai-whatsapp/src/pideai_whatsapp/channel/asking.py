"""Asks how far messages are whose reports never came, of the provider that can say so: Twilio.

Twilio gives a report fifteen seconds and, mostly, one try: while this host was down they were lost. So a message that
has not arrived by anybody's word is asked for some minutes, an hour and four hours later, which is as long as Twilio
keeps one. Asked twice, it is told twice, which changes nothing.
"""

from collections.abc import Sequence
from typing import Final

from pideai_host.api import JobContext, PluginContext, PluginJob
from pideai_whatsapp.channel.receipts import take_receipts
from pideai_whatsapp.config import WhatsAppConfig, read_config
from pideai_whatsapp.providers.base import ProviderProblem
from pideai_whatsapp.providers.choose import twilio_for
from pideai_whatsapp.providers.signals import Receipt
from pideai_whatsapp.statements import statement

INTERVAL_S: Final = 300.0
TIMEOUT_S: Final = 240.0
WIDTH_S: Final = 2 * INTERVAL_S
"""A turn may come late; what is in two windows is asked for twice."""
AGES_S: Final = (600.0, 3_600.0, 14_400.0)
IDS_MAX: Final = 100
"""Of one store in one turn."""


async def ask_for_messages(job: JobContext) -> None:
    """Ask for what is due now, store by store."""
    due = await job.db.fetch(
        statement("sends_to_ask_for"), {"ages_s": list(AGES_S), "width_s": WIDTH_S, "limit": IDS_MAX}
    )
    for row in due:
        async with job.installation(row["store_id"]) as found:
            if found is None:
                continue
            config, context = found
            try:
                moved = await ask_for(row["ids"], read_config(config), context)
            except ProviderProblem as problem:
                context.log.warning("messages not asked for", problem=problem.code, code=problem.response_code)
            else:
                context.log.info("messages asked for", asked=len(row["ids"]), moved=moved)


async def ask_for(message_ids: Sequence[str], config: WhatsAppConfig, context: PluginContext) -> int:
    """Ask for messages of one store, and take the answers as if they had been reported; return how many moved on.

    Raises:
        ProviderProblem: the provider does not answer, or not to this store.
    """
    provider = await twilio_for(config, context)
    found = [(one, await provider.look_up(one)) for one in message_ids]
    told = [Receipt(provider_message_id=one, progress=progress) for one, progress in found if progress is not None]
    return (await take_receipts(context, told)).moved


ASKING: Final = PluginJob(name="ask_for_messages", interval_s=INTERVAL_S, run=ask_for_messages, timeout_s=TIMEOUT_S)
