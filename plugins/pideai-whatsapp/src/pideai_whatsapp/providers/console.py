"""The provider for development: writes the message into the log, as a console mail backend prints its mails.

What was sent is kept in ``whatsapp_messages`` like any other message. No phone is needed, and none is shown in full.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

from pideai_host.api import Log
from pideai_whatsapp.providers.base import SendReceipt
from pideai_whatsapp.text.phones import Phone, masked


class ConsoleProvider:
    """Prints and accepts everything."""

    name: Final = "console"
    needs_session: Final = False

    def __init__(self, log: Log, *, new_id: Callable[[], UUID] = uuid4) -> None:
        self._log = log
        self._new_id = new_id

    async def send_text(self, to: Phone, text: str) -> SendReceipt:
        """Print one text; its id is ``console-`` and a UUID."""
        self._log.info("whatsapp message printed", to=masked(to), text=text)
        return SendReceipt(message_id=f"console-{self._new_id()}")
