"""The provider for development: writes the message into the log, as a console mail backend prints its mails.

What was sent is kept in ``whatsapp_messages`` like any other message. No phone is needed, and none is shown in full.
"""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

from pideai_host.api import Log
from pideai_whatsapp.providers.base import ProviderTemplate, SendReceipt
from pideai_whatsapp.providers.signals import Progress
from pideai_whatsapp.text.phones import Phone, masked


class ConsoleProvider:
    """Prints and accepts everything."""

    name: Final = "console"
    needs_session: Final = False

    def __init__(self, log: Log, *, new_id: Callable[[], UUID] = uuid4) -> None:
        self._log = log
        self._new_id = new_id

    async def send_text(self, to: Phone, text: str, *, reference: str | None = None) -> SendReceipt:  # noqa: ARG002 - as `Provider` has it
        """Print one text; its id is ``console-`` and a UUID."""
        return self._print(to, text=text)

    async def send_image(
        self,
        to: Phone,
        *,
        url: str,
        caption: str,
        reference: str | None = None,  # noqa: ARG002 - as `Provider` has it
    ) -> SendReceipt:
        """Print a picture's address and its caption."""
        return self._print(to, image_url=url, text=caption)

    async def send_template(
        self,
        to: Phone,
        template: ProviderTemplate,
        *,
        reference: str | None = None,  # noqa: ARG002 - as `Provider` has it
    ) -> SendReceipt:
        """Print a template's name and its values."""
        return self._print(to, template=template.name, variables=template.variables)

    async def look_up(self, message_id: str) -> Progress | None:  # noqa: ARG002 - as `Provider` has it
        """Know nothing: what was printed is gone."""
        return None

    def _print(self, to: Phone, **what: Any) -> SendReceipt:
        self._log.info("whatsapp message printed", to=masked(to), **what)
        return SendReceipt(message_id=f"console-{self._new_id()}")
