"""The errors of the host, drawn once.

    PideaiError                      code, message, hint
    ├── ConfigurationError           a setting, a flag, a URL of the operator is wrong
    ├── DatabaseUnavailable          no server answers, or it is not one we can use
    ├── AddressRefused               a request to an address that plugins may not reach; an httpx.ConnectError too
    ├── PluginFault                  something is wrong with a plugin (slug)
    │   └── HookTimeout              a hook did not end within its limit
    ├── PluginSignal                 a plugin says so; the host acts on it
    │   ├── ConfigRejected           faults by JSON pointer
    │   ├── CreditsExhausted         the store has nothing left to spend
    │   └── NotReady                 it cannot go to work for the store yet
    └── StoreProblem                 a request cannot be met for this store
        ├── StoreUnknown
        ├── PluginUnknown
        ├── NotInstalled
        └── AlreadyInstalled

Expected conditions are named by the condition, faults end in Error or Fault. Each carries its data as attributes,
so that the edge (HTTP problem details, command line) can show it without parsing text.
"""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

import httpx


class PideaiError(Exception):
    """Anything the host raises on purpose.

    Attributes:
        code: Stable, snake_case; part of the HTTP and JSON contract.
        message: One line: what is wrong and where. Never holds a secret.
        hint: One line: what to do about it, or empty.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(PideaiError):
    """A setting, a flag or a URL that the operator gave is wrong."""

    code = "configuration_error"


class DatabaseUnavailable(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """No database answers, or it is one that the host cannot use."""

    code = "database_unavailable"


class AddressRefused(PideaiError, httpx.ConnectError):  # noqa: N818 - a condition, not a fault of ours
    """The guard of `context.http` refuses where a request would go: the host's own network, not the internet.

    An `httpx.ConnectError`, so code that knows only httpx handles it; catch it first where trying again is pointless.
    The message names the host that was asked for, never the address behind it.
    """

    code = "address_refused"


class PluginFault(PideaiError):  # noqa: N818 - named as in DESIGN.md
    """Something is wrong with a plugin; carries its slug."""

    code = "plugin_fault"

    def __init__(self, message: str, *, slug: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.slug = slug


class HookTimeout(PluginFault):
    """A hook did not end within its limit; carries hook and limit in seconds."""

    code = "hook_timeout"

    def __init__(self, *, slug: str, hook: str, limit_s: float) -> None:
        super().__init__(f"{slug}: {hook} did not end within {limit_s:g} s", slug=slug)
        self.hook = hook
        self.limit_s = limit_s


class PluginSignal(PideaiError):  # noqa: N818 - a plugin's word, not a fault
    """Raised by a plugin on purpose; the host acts on it."""

    code = "plugin_signal"


class ConfigRejected(PluginSignal):
    """A plugin or its JSON Schema refuses a configuration.

    Attributes:
        faults: JSON pointer into the configuration -> what is wrong there, in words.
    """

    code = "config_rejected"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(
            "the configuration has faults: " + "; ".join(f"{at or '/'} {why}" for at, why in faults.items())
        )
        self.faults = dict(faults)


class CreditsExhausted(PluginSignal):
    """The store has no credit left for this plugin."""

    code = "credits_exhausted"


class NotReady(PluginSignal):
    """Raised by `on_enable`: the plugin cannot go to work for this store yet, and the message says why.

    A new installation is kept, disabled, with the message as its reason; enabling an existing one is refused with it.
    """

    code = "not_ready"


class StoreProblem(PideaiError):  # noqa: N818 - a condition, not a fault
    """A request that cannot be met for this store."""

    code = "store_problem"


class StoreUnknown(StoreProblem):
    """No such store, or none that the caller may see: the two are not told apart."""

    code = "store_unknown"

    def __init__(self, store_id: UUID) -> None:
        super().__init__(f"no store {store_id}")
        self.store_id = store_id


class PluginUnknown(StoreProblem):
    """The catalogue has no such plugin, or it is not available for installation."""

    code = "plugin_unknown"

    def __init__(self, slug: str) -> None:
        super().__init__(f"no plugin {slug!r} in the catalogue")
        self.slug = slug


class NotInstalled(StoreProblem):
    """The store has not installed this plugin."""

    code = "not_installed"

    def __init__(self, slug: str) -> None:
        super().__init__(f"the store has not installed {slug!r}")
        self.slug = slug


class AlreadyInstalled(StoreProblem):
    """The store has installed this plugin already."""

    code = "already_installed"

    def __init__(self, slug: str) -> None:
        super().__init__(f"the store has installed {slug!r} already", hint="Change it with PUT.")
        self.slug = slug
