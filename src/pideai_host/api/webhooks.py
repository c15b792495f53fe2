"""Calls of providers: what a plugin gets of them, how it answers, and how it finds out whose they are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from pideai_host.api.context import Log


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's call to ``/webhooks/plugins/{slug}``: raw bytes, header names in lower case, last value wins."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class WebhookReply(msgspec.Struct, frozen=True, kw_only=True):
    """What the host answers, byte for byte.

    With a status of 200 to 299, what the call emitted and settled is written before the answer goes out; with any
    other, it is dropped.
    """

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""


class WebhookLookup(Protocol):
    """Which stores something is known to; only stores that have the plugin installed and enabled are ever named."""

    async def by_config(self, pointer: str, values: Collection[str]) -> Mapping[str, Sequence[UUID]]:
        """Return the stores whose configuration has one of some values at a place, by value.

        Args:
            pointer: JSON pointer into the configuration, such as ``/phoneNumberId``; not a secret's.
            values: At most 1,000, as text; numbers and booleans in the configuration are compared as their JSON.
        """

    async def by_storage(self, keys: Collection[str]) -> Mapping[str, Sequence[UUID]]:
        """Return the stores that keep something under one of some keys (`Storage.set`), by key; at most 1,000 keys."""

    def operator(self, name: str) -> str | None:
        """Return a secret of the operator's environment, ``PIDEAI_PLUGIN_<SLUG>_<NAME>``; None if unset."""

    @property
    def log(self) -> Log:
        """The log, bound to the plugin."""
