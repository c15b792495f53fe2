"""How a plugin reaches the world: every part is bound to one store and one plugin (DESIGN.md 5).

These are protocols; the host brings the implementations, `pideai_host.testing` brings fakes. Nothing here outlives
the hook call that it was given to.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

import httpx
import msgspec

from pideai_host.api.outcomes import PluginEventResult


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A store's row for a plugin, without its secrets."""

    id: UUID
    store_id: UUID
    plugin: str
    enabled: bool = True
    priority: int = 0
    webhook_url: str | None = None
    config_version: int = 1


class DeliveryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which delivery a hook is called for.

    Attributes:
        id: The idempotency key: the same on every attempt (DESIGN.md 4.8).
        attempt: 1 for the first call.
    """

    id: UUID
    attempt: int


class Secrets(Protocol):
    """The installation's sealed values, opened for its own plugin, and what the operator set for the plugin."""

    async def get(self, name: str) -> str | None:
        """Return a secret of this installation, None if unset.

        Args:
            name: ``webhook_secret``, or the JSON pointer of a writeOnly field of the configuration.
        """

    def operator(self, name: str) -> str | None:
        """Return a secret of the operator's environment, ``PIDEAI_PLUGIN_<SLUG>_<NAME>``; None if unset."""


class Credits(Protocol):
    """What the store may still spend on this plugin; every movement is bound to the delivery and happens once."""

    async def reserve(self) -> str:
        """Take one credit for this delivery and say which kind it was.

        Idempotent per delivery: a second call after a crash takes nothing more.

        Returns:
            ``monthly`` or ``extra``.

        Raises:
            CreditsExhausted: nothing is left.
        """

    async def refund(self) -> None:
        """Give the credit of this delivery back; does nothing when none is taken. Idempotent."""

    async def charge(self) -> None:
        """Keep the credit of this delivery for good: the effect took place. Idempotent."""


class Storage(Protocol):
    """A small key-value table of this store and plugin; values are JSON, at most 64 KiB each."""

    async def get(self, key: str) -> Any:
        """Return the value, or None."""

    async def set(self, key: str, value: Any) -> None:
        """Write the value, replacing what was there."""

    async def set_new(self, key: str, value: Any) -> bool:
        """Write the value if the key is new; tell whether it was. Atomic across processes."""

    async def delete(self, key: str) -> None:
        """Forget the key; does nothing when it is not there."""


class Database(Protocol):
    """SQL on the host's database as the runtime role, each call a transaction of its own.

    Parameters are named, ``%(name)s``. The host's own plugins use the tables of the shop through it; pass
    `context.store_id` into every statement, since the runtime role sees all stores.
    """

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Mapping[str, Any]]:
        """Run one statement and return its rows; none for a statement that returns nothing."""

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Run one statement and return its first row, or None."""

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Run one statement and return how many rows it touched."""


class Deliveries(Protocol):
    """The deliveries of this store and plugin whose result was still to come."""

    def settle(self, delivery_id: UUID, result: PluginEventResult) -> None:
        """Say what became of a delivery that was `sent`, or that ended as unknown.

        Written with what the call emits, before a 2xx answer goes out, or not at all. Status only goes forward: a
        delivery that is delivered or failed stays as it is, so a result may be told again. One that the host does not
        know as sent yet keeps the result until it does. Of credits, what an unknown delivery kept is charged or given
        back soon after; what was sent stays charged.

        Args:
            delivery_id: `context.delivery.id` of the call that sent it. One of another store or plugin is passed over.
            result: `delivered()` or `failed()`; its data is added to the delivery's.
        """

    def wake(self) -> None:
        """Have the deliveries that `wait` be called again at once: what they waited for is there.

        Those of this store and plugin, when the call ends as for `settle`. Idempotent.
        """


class Log(Protocol):
    """A structured log; store, plugin, event and delivery are bound already. Never log secrets or whole payloads."""

    def debug(self, event: str, **facts: Any) -> None:
        """Log for the plugin's developer."""

    def info(self, event: str, **facts: Any) -> None:
        """Log what an operator may want to know."""

    def warning(self, event: str, **facts: Any) -> None:
        """Log what an operator should look at some day."""

    def error(self, event: str, **facts: Any) -> None:
        """Log what an operator should look at now."""


@runtime_checkable
class PluginContext(Protocol):
    """What a hook is given; `delivery` is None outside of event delivery."""

    @property
    def store_id(self) -> UUID:
        """The store that this call is for."""

    @property
    def plugin(self) -> str:
        """The slug of the plugin that is called."""

    @property
    def installation(self) -> Installation:
        """The store's row for this plugin."""

    @property
    def delivery(self) -> DeliveryInfo | None:
        """The delivery, with its idempotency key."""

    @property
    def http(self) -> httpx.AsyncClient:
        """An HTTP client with time limits and a guard against private addresses; it follows no redirects."""

    @property
    def secrets(self) -> Secrets:
        """Sealed values."""

    @property
    def credits(self) -> Credits:
        """What the store may still spend."""

    @property
    def storage(self) -> Storage:
        """A small key-value table."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def deliveries(self) -> Deliveries:
        """Deliveries whose result comes later; in `handle_webhook`, routes, jobs and commands."""

    @property
    def supabase(self) -> Any:
        """The Supabase service client, or None when the operator configured none."""

    @property
    def log(self) -> Log:
        """The log."""

    def emit(self, event_type: str, payload: msgspec.Struct | dict[str, Any], *, key: str, bulk: bool = False) -> UUID:
        """Say that something happened.

        Written by the transaction that writes the result which the hook returned, whichever it is; dropped when the
        call raises, takes too long or returns something else. In a webhook or a route it is written before a 2xx
        answer goes out, and only then.

        Args:
            event_type: A type of the plugin's own or a payment type.
            payload: The type's struct, or a dict for a type of the plugin's own.
            key: Tells the events of one delivery apart; the same key gives the same id on every attempt. In a webhook
                or a route it tells apart all that the plugin ever emits there for this store: use the provider's own
                id of what happened. Likewise in a job and a command.
            bulk: Its deliveries go to the bulk lanes, behind what plugins do every day: for campaigns, imports, and
                whatever comes in thousands.

        Returns:
            The event's id: UUIDv5(delivery id, key).
        """

    async def notify(self, message: str, *, level: str = "info") -> None:
        """Leave a notice for the store's owner, in Spanish; `level` is info, warning or error.

        Cut after 1,000 characters. At most 20 in one call: one more is the plugin's fault.
        """
