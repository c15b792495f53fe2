"""What a hook is given to reach the world, bound to one store and one plugin (DESIGN.md 5)."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

import httpx
import msgspec

from pideai_host.api import DeliveryInfo, EventType, Installation, PluginFault, type_of_payload
from pideai_host.db.pool import Pool
from pideai_host.plugins.declared import DeclaredType
from pideai_host.stores.credits import DeliveryCredits, SimulatedCredits
from pideai_host.stores.database import PluginDatabase
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.notices import Notices
from pideai_host.stores.opened import OpenedSecrets
from pideai_host.stores.receipts import Receipt, Receipts
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.storage import PluginStorage
from pideai_host.stores.turns import Turns
from pideai_host.telemetry import get_logger, tracing

EMITTED_MAX: Final = 100
EMITTED_MAX_BYTES: Final = 262_144
NOTICES_MAX: Final = 20
"""That one call may leave: an owner reads them."""
KEY_MAX_CHARS: Final = 200
TYPE_MAX_CHARS: Final = 100
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_OWN_TYPES: Final = frozenset(one for one in EventType if not one.startswith("payment."))
"""What only the host's own sources tell."""

_UNDECLARED: Final[Mapping[str, DeclaredType]] = MappingProxyType({})
_log: Final = get_logger(__name__)


_T = TypeVar("_T")


class _part(Generic[_T]):  # noqa: N801 - reads as a decorator
    """`functools.cached_property` without its lock, which costs more than most parts (Python 3.12 dropped it)."""

    def __init__(self, make: Callable[["HostContext"], _T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, context: "HostContext", _: type["HostContext"]) -> _T:
        made = context.__dict__[self._name] = self._make(context)
        return made


class Emitted(msgspec.Struct, frozen=True):
    """An event that a plugin emitted, to be written when its delivery is settled or its request answered."""

    id: UUID
    type: str
    payload: msgspec.Struct | dict[str, Any]
    bulk: bool = False
    traceparent: str | None = None


class HostContext:
    """One hook call's way to the world; see `pideai_host.api.PluginContext`. Parts are made when they are asked for."""

    def __init__(
        self,
        factory: "ContextFactory",
        stored: StoredInstallation,
        delivery: DeliveryInfo | None,
        emits_as: UUID | None = None,
        *,
        is_test: bool = False,
    ) -> None:
        self._factory = factory
        self._is_test = is_test
        self._stored = stored
        self._delivery = delivery
        self._emits_as = emits_as if delivery is None else delivery.id
        self._emitted: dict[UUID, Emitted] = {}
        self._notices = 0

    def __repr__(self) -> str:
        return f"HostContext(store_id={self.store_id}, plugin={self.plugin})"

    @property
    def store_id(self) -> UUID:
        """The store that this call is for."""
        return self._stored.store_id

    @property
    def plugin(self) -> str:
        """The slug of the plugin that is called."""
        return self._stored.slug

    @property
    def delivery(self) -> DeliveryInfo | None:
        """The delivery, with its idempotency key."""
        return self._delivery

    @property
    def http(self) -> httpx.AsyncClient:
        """The guarded client that all plugins share."""
        return self._factory.http

    @property
    def supabase(self) -> Any:
        """The Supabase service client, or None."""
        return self._factory.supabase

    @_part
    def installation(self) -> Installation:
        """The store's row for this plugin."""
        return self._stored.public

    @_part
    def config(self) -> dict[str, Any]:
        """The public half of the configuration: a copy that the plugin may change without harm."""
        config: dict[str, Any] = copied(self._stored.config)
        return config

    @_part
    def secrets(self) -> OpenedSecrets:
        """Sealed values."""
        return OpenedSecrets(self._stored, self._factory.sealer, self._factory.environ)

    @_part
    def credits(self) -> DeliveryCredits:
        """What the store may still spend."""
        if self._is_test:
            return SimulatedCredits(self._factory.pool, self.store_id, self.plugin, None)
        delivery_id = None if self._delivery is None else self._delivery.id
        factory = self._factory
        return DeliveryCredits(factory.pool, self.store_id, self.plugin, delivery_id, turns=factory.turns)

    @_part
    def storage(self) -> PluginStorage:
        """A small key-value table."""
        return PluginStorage(self._factory.pool, self.store_id, self.plugin)

    @_part
    def db(self) -> PluginDatabase:
        """The database."""
        return PluginDatabase(self._factory.pool)

    @_part
    def deliveries(self) -> Receipts:
        """Deliveries whose result comes later."""
        return Receipts(self.plugin, is_open=self._delivery is None and self._emits_as is not None)

    @_part
    def log(self) -> Any:
        """The log, bound to store, plugin and delivery."""
        bound = {"store_id": str(self.store_id), "plugin": self.plugin}
        if self._delivery is not None:
            bound |= {"delivery": str(self._delivery.id), "attempt": str(self._delivery.attempt)}
        return _log.bind(**bound)

    async def notify(self, message: str, *, level: str = "info") -> None:
        """Leave a notice for the store's owner, without the secrets that the plugin was given.

        Raises:
            PluginFault: for a level that there is not, or beyond the bounds of this module.
        """
        if self._notices == NOTICES_MAX:
            raise self._fault(f"more than {NOTICES_MAX} notices left in one call")
        self._notices += 1
        text = self.redact(message) or ""
        await Notices(self._factory.pool).leave(self.store_id, self.plugin, text, level=level)
        if self._factory.on_notice is not None:
            self._factory.on_notice({self.store_id})

    def emit(self, event_type: str, payload: msgspec.Struct | dict[str, Any], *, key: str, bulk: bool = False) -> UUID:
        """Collect an event for the transaction that keeps what this call did; a key used twice replaces the first.

        Raises:
            PluginFault: in a lifecycle hook, for a type that only the host tells, a payload that is not the type's,
                or beyond the bounds of this module.
        """
        if self._emits_as is None:
            raise self._fault(
                "emit belongs to a delivery, a webhook, a route, a job or a command, and this call is none"
            )
        self._check_emitted(event_type, payload, key)
        as_checked = copied(payload) if isinstance(payload, dict) else payload  # the plugin may go on filling its own
        emitted = Emitted(uuid5(self._emits_as, key), event_type, as_checked, bulk)
        if tracing.active is not None:
            facts = {"pideai.event": str(emitted.id), "pideai.store": str(self.store_id), "pideai.door": "emit"}
            told = tracing.active.announce(event_type, facts)
            emitted = msgspec.structs.replace(emitted, traceparent=told)
        if emitted.id not in self._emitted and len(self._emitted) == EMITTED_MAX:
            raise self._fault(f"more than {EMITTED_MAX} events emitted in one call")
        self._emitted[emitted.id] = emitted
        return emitted.id

    @property
    def emitted(self) -> list[Emitted]:
        """What was emitted, in order."""
        return list(self._emitted.values())

    @property
    def wakes(self) -> bool:
        """Whether it was said that what waits is to be woken."""
        return "deliveries" in vars(self) and self.deliveries.wakes

    @property
    def receipts(self) -> list[Receipt]:
        """What was said of deliveries."""
        return self.deliveries.all if "deliveries" in vars(self) else []

    @property
    def plugin_id(self) -> UUID:
        """The plugin's id in the catalogue."""
        return self._stored.plugin_id

    @property
    def may_hold_credit(self) -> bool:
        """Whether the plugin may have left a credit reserved."""
        return "credits" in vars(self) and self.credits.may_hold

    @property
    def opened_secrets(self) -> bool:
        """Whether the plugin was given a secret, so that its words need `redact`."""
        return "secrets" in self.__dict__ and self.secrets.is_used

    def redact(self, text: str | None) -> str | None:
        """Return a text without the secrets that the plugin was given."""
        return self.secrets.redact(text) if "secrets" in self.__dict__ else text

    def _check_emitted(self, event_type: str, payload: msgspec.Struct | dict[str, Any], key: str) -> None:
        if not 1 <= len(key) <= KEY_MAX_CHARS:
            raise self._fault(f"the key of an emitted event has 1 to {KEY_MAX_CHARS} characters")
        if len(event_type) > TYPE_MAX_CHARS or _TYPE.fullmatch(event_type) is None:
            raise self._fault(f"{event_type[:TYPE_MAX_CHARS]!r} is no event type such as 'payment.completed'")
        if event_type in _OWN_TYPES:
            raise self._fault(f"{event_type} is told by the host alone")
        wanted = type_of_payload.get(event_type, dict)
        if not isinstance(payload, wanted):
            raise self._fault(f"{event_type} carries {wanted.__name__}, not {type(payload).__name__}")
        try:
            encoded = msgspec.json.encode(payload)
        except (TypeError, ValueError, OverflowError, RecursionError) as problem:
            raise self._fault(f"the payload of {event_type} is not JSON: {problem}") from None
        size_bytes = len(encoded)
        if size_bytes > EMITTED_MAX_BYTES:
            raise self._fault(f"the payload of {event_type} has {size_bytes} bytes; at most {EMITTED_MAX_BYTES}")
        declared = self._factory.event_types.get(event_type)
        misfit = None if declared is None else declared.fault(msgspec.json.decode(encoded))
        if misfit is not None:
            raise self._fault(f"the payload of {event_type} does not fit its schema: {misfit}")

    def _fault(self, message: str) -> PluginFault:
        return PluginFault(f"{self.plugin}: {message}", slug=self.plugin)


def copied(value: Any) -> Any:
    """Return a copy of what JSON can hold, at a tenth of `copy.deepcopy`, which has to expect everything."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


class ContextFactory:
    """Makes contexts; shared by all calls of a process.

    Args:
        pool: Runtime connections.
        http: The guarded client.
        sealer: Opens secrets.
        environ: The operator's environment.
        supabase: The service client, when the operator configured one.
        on_notice: Called with the stores that were left a notice; must not block.
        event_types: Those that plugins declared: who emits one is held to its schema.
    """

    def __init__(
        self,
        pool: Pool,
        http: httpx.AsyncClient,
        sealer: Sealer,
        environ: Mapping[str, str],
        supabase: Any = None,
        *,
        on_notice: Callable[[set[UUID]], None] | None = None,
        event_types: Mapping[str, DeclaredType] = _UNDECLARED,
    ) -> None:
        self.pool = pool
        self.turns = Turns()
        self.http = http
        self.sealer = sealer
        self.environ = environ
        self.supabase = supabase
        self.on_notice = on_notice
        self.event_types = event_types

    def make(
        self,
        stored: StoredInstallation,
        delivery: DeliveryInfo | None,
        *,
        emits_as: UUID | None = None,
        is_test: bool = False,
    ) -> HostContext:
        """Return the context of one call: cheap, nothing is opened or asked for yet.

        Args:
            stored: Whose.
            delivery: What it is called for.
            emits_as: Without a delivery: what the ids of emitted events are derived from, None if it may emit nothing.
            is_test: Takes no credits.
        """
        return HostContext(self, stored, delivery, emits_as, is_test=is_test)
