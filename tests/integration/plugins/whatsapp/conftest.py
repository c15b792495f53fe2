"""A context of a store that notes what is emitted, and the statements of the plugin for it."""

from typing import Any
from uuid import UUID, uuid4, uuid5

import msgspec
import pytest
from pideai_whatsapp.sending.facts import Draft
from pideai_whatsapp.sending.records import SqlRecords
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

from pideai_host.stores.database import PluginDatabase


class NoSecrets:
    """The operator has set nothing."""

    def operator(self, name: str) -> str | None:
        return None


class StoreContext:
    """The parts of a context that need no plugin to be loaded."""

    def __init__(self, pool: Any, store_id: UUID) -> None:
        self.db = PluginDatabase(pool)
        self.store_id = store_id
        self.secrets = NoSecrets()
        self.emitted: list[tuple[str, dict[str, Any], str, bool]] = []

    def emit(self, event_type, payload, *, key, bulk=False):
        self.emitted.append((event_type, payload, key, bulk))
        return uuid5(self.store_id, key)


@pytest.fixture
def context(pool, shop):
    return StoreContext(pool, shop.store_id)


@pytest.fixture
def records(context):
    return SqlRecords(context.db, context.store_id)


@pytest.fixture
def draft():
    """Make a draft of a new message."""

    def make(**changes):
        made = Draft(
            id=uuid4(),
            kind=MessageType.ORDER_READY,
            phone=Phone("+584141234567"),
            customer_name="Ana",
            text="Tu pedido está listo.",
        )
        return msgspec.structs.replace(made, **changes)

    return make
