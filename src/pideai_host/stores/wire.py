"""What the API takes and shows of an installation. Secrets go in and never come out, but for one that the host made."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.policy import PolicyOverride

URL_MAX_CHARS: Final = 2_048
Policy = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="How deliveries are made otherwise than the plugin says; the fields are those of PolicyOverride.",
        examples=[{"retry": {"delays_s": [5, 60]}, "limits": {"per_store_per_s": 2}, "max_age_s": 3600}],
    ),
]
Priority = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class InstallationState(StrEnum):
    """Where an installation is; in between, its plugin is being told."""

    INSTALLING = "installing"
    ENABLED = "enabled"
    ENABLING = "enabling"
    RECONFIGURING = "reconfiguring"
    DISABLING = "disabling"
    DISABLED = "disabled"
    UNINSTALLING = "uninstalling"
    FAILED = "failed"


class ConfigStatus(StrEnum):
    """How a configuration stands to what the plugin wants."""

    CURRENT = "current"
    OUTDATED = "outdated"
    NEWER = "newer"

    @classmethod
    def of(cls, stored: StoredInstallation) -> "ConfigStatus":
        """Compare the versions of a stored installation and of the catalogue."""
        wanted = stored.config_version if stored.wanted_version is None else stored.wanted_version
        if stored.config_version == wanted:
            return cls.CURRENT
        return cls.OUTDATED if stored.config_version < wanted else cls.NEWER


class InstallIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a store installs a plugin with.

    Attributes:
        config: By the plugin's schema, its secrets included.
        priority: Lower comes first.
        webhook_url: Where deliveries go; only for plugins with `webhook`, like `webhook_secret`.
        webhook_secret: Signs deliveries; the host makes one when none is given.
        policy: What it wants otherwise than the plugin; see `PolicyOverride`.
    """

    config: dict[str, Any] = {}
    enabled: bool = True
    priority: Priority = 0
    webhook_url: str | None = None
    webhook_secret: str | None = None
    policy: Policy | None = None

    def __repr__(self) -> str:
        return f"InstallIn(enabled={self.enabled}, priority={self.priority})"


class UpdateIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a store changes; what is left out stays.

    Attributes:
        config: Replaces the configuration. A secret that it leaves out stays (within an item of a list only while the
            item is otherwise unchanged), null clears it.
        webhook_secret: Null makes the host make a new one.
        policy: Replaces what it wanted otherwise than the plugin; null, or an object without fields, for nothing.
    """

    config: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    webhook_url: str | UnsetType | None = UNSET
    webhook_secret: str | UnsetType | None = UNSET
    policy: Policy | UnsetType | None = UNSET

    def __repr__(self) -> str:
        return f"UpdateIn(enabled={self.enabled}, priority={self.priority})"


class InstallOut(msgspec.Struct, frozen=True, kw_only=True):
    """An installation as its owner sees it.

    Attributes:
        plugin: The slug.
        config: Without its secrets; sent back as it is, it changes nothing.
        secrets: Which secrets are set: JSON pointers into the configuration, and ``webhook_secret``.
        config_status: Whether its configuration is of the version that the plugin wants; while it is not, deliveries
            wait.
        config_fault: Why it could not be brought up to that version.
        state: Enabled or disabled; what is under way; or failed: something was left half-way and cannot be finished or
            undone. Deliveries follow `enabled`.
        state_reason: Why finishing or undoing failed the last time, or why the plugin is not ready to be enabled.
        policy: What it wants otherwise than the plugin, null for nothing.
        webhook_secret: Shown once, when the host has just made it; else left out.
    """

    id: UUID
    store_id: UUID
    plugin: str
    config: dict[str, Any]
    secrets: list[str]
    enabled: bool
    priority: int
    webhook_url: str | None
    config_version: int
    revision: int
    installed_at: datetime
    updated_at: datetime
    config_status: ConfigStatus
    config_fault: str | None
    state: InstallationState
    state_reason: str | None
    policy: PolicyOverride | None = None
    webhook_secret: str | UnsetType = UNSET

    @classmethod
    def of(cls, stored: StoredInstallation, *, webhook_secret: str | None = None) -> "InstallOut":
        """Show a stored installation; `webhook_secret` is what the host made just now."""
        return cls(
            id=stored.id,
            store_id=stored.store_id,
            plugin=stored.slug,
            config=stored.config,
            secrets=sorted(stored.sealed),
            enabled=stored.enabled,
            priority=stored.priority,
            webhook_url=stored.webhook_url,
            config_version=stored.config_version,
            revision=stored.revision,
            installed_at=stored.installed_at,
            updated_at=stored.updated_at,
            config_status=ConfigStatus.of(stored),
            config_fault=stored.config_fault,
            state=InstallationState(stored.state),
            state_reason=stored.transition_reason,
            policy=stored.policy,
            webhook_secret=UNSET if webhook_secret is None else webhook_secret,
        )

    def __repr__(self) -> str:
        return f"InstallOut(id={self.id}, plugin={self.plugin}, revision={self.revision})"


def webhook_url_fault(url: str) -> str | None:
    """Tell what is wrong with the address of a receiver, or None; whether anybody is there, time will tell."""
    if len(url) > URL_MAX_CHARS:
        return f"has {len(url)} characters; at most {URL_MAX_CHARS} are kept"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "holds a character that no URL holds"
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not has_host:
        return "must be an http or https URL with a host"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password"
    return "must not hold a fragment" if parts.fragment else None
