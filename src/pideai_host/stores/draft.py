"""From what an owner sends to the installation as it will be: checked whole, defaults filled in, secrets sealed.

Nothing is written here, and no hook is called.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from pideai_host.api import ConfigRejected, PluginDefinition
from pideai_host.stores.config import PreparedConfig, omitted_secrets, prepare
from pideai_host.stores.installations import WEBHOOK_SECRET, StoredInstallation
from pideai_host.stores.opened import open_value, seal_value
from pideai_host.stores.policy import policy_faults, read_override
from pideai_host.stores.schema import ConfigSchema
from pideai_host.stores.secrets import Sealer, generate_webhook_secret, webhook_secret_fault
from pideai_host.stores.wire import InstallIn, UpdateIn, webhook_url_fault

_NO_WEBHOOK: Final = "the plugin takes none: it is not reached by webhook"


class Draft(msgspec.Struct, frozen=True):
    """An installation that is not written yet.

    Attributes:
        is_reconfigured: Whether configuration or webhook differ from what was.
        new_webhook_secret: One that the host just made, to be shown once.
    """

    installation: StoredInstallation
    is_reconfigured: bool = True
    new_webhook_secret: str | None = None

    def __repr__(self) -> str:
        return f"Draft({self.installation!r})"


def draft_new(
    sealer: Sealer, definition: PluginDefinition, store_id: UUID, plugin_id: UUID, wanted: InstallIn
) -> Draft:
    """Draft a first installation; one that is reached by webhook gets a signing secret when it brings none.

    Raises:
        ConfigRejected: all faults at once; those outside of the configuration by the pointer to the field.
    """
    now = datetime.now(UTC)
    empty = StoredInstallation(
        id=uuid4(),
        store_id=store_id,
        plugin_id=plugin_id,
        slug=definition.slug,
        config={},
        enabled=wanted.enabled,
        priority=wanted.priority,
        webhook_url=wanted.webhook_url,
        config_version=definition.config_version,
        revision=1,
        sealed={},
        installed_at=now,
        updated_at=now,
    )
    prepared = _prepared(definition, wanted.config, {}, {}, _faults_beside(definition, wanted))
    made = generate_webhook_secret() if definition.webhook and wanted.webhook_secret is None else None
    sealed = _sealed(sealer, empty, prepared.secrets)
    secret = wanted.webhook_secret or made
    if secret is not None:
        sealed[WEBHOOK_SECRET] = seal_value(sealer, empty, WEBHOOK_SECRET, secret)
    policy = read_override(wanted.policy)
    made_so = msgspec.structs.replace(empty, config=prepared.public, sealed=sealed, policy=policy)
    return Draft(made_so, new_webhook_secret=made)


def draft_changed(sealer: Sealer, definition: PluginDefinition, stored: StoredInstallation, change: UpdateIn) -> Draft:
    """Draft a change of an installation; what the change leaves out stays.

    Raises:
        ConfigRejected: as for `draft_new`.
        SecretUnreadable: a secret that is to stay does not open any more.
    """
    drafted = _with_config(sealer, definition, stored, change)
    made = None
    if definition.webhook and change.webhook_secret is not UNSET:
        made = generate_webhook_secret() if change.webhook_secret is None else None
        secret = seal_value(sealer, stored, WEBHOOK_SECRET, change.webhook_secret or made)
        drafted = msgspec.structs.replace(drafted, sealed=drafted.sealed | {WEBHOOK_SECRET: secret})
    if change.webhook_url is not UNSET and change.webhook_url != stored.webhook_url:
        drafted = msgspec.structs.replace(drafted, webhook_url=change.webhook_url)
    is_reconfigured = drafted is not stored
    if change.policy is not UNSET:
        drafted = msgspec.structs.replace(drafted, policy=read_override(change.policy))
    return Draft(switched(drafted, change), is_reconfigured=is_reconfigured, new_webhook_secret=made)


def switched(stored: StoredInstallation, change: UpdateIn) -> StoredInstallation:
    """Return an installation with the switches of a change: all that needs no definition of the plugin."""
    return msgspec.structs.replace(
        stored,
        enabled=stored.enabled if change.enabled is UNSET else change.enabled,
        priority=stored.priority if change.priority is UNSET else change.priority,
    )


def _with_config(
    sealer: Sealer, definition: PluginDefinition, stored: StoredInstallation, change: UpdateIn
) -> StoredInstallation:
    """Return the installation with its new configuration; the very same one when that says nothing new."""
    faults = _faults_beside(definition, change)
    if change.config is UNSET:
        if faults:
            raise ConfigRejected(faults)
        return stored
    before = [field for field in stored.sealed if field != WEBHOOK_SECRET]
    kept = {field: open_value(sealer, stored, field) for field in omitted_secrets(change.config, before)}
    prepared = _prepared(definition, change.config, stored.config, kept, faults)
    is_same = (
        prepared.public == stored.config
        and prepared.secrets.keys() == set(before) == kept.keys()
        and definition.config_version == stored.config_version
    )
    if is_same:
        return stored
    webhook = {field: text for field, text in stored.sealed.items() if field == WEBHOOK_SECRET}
    changed = {at: value for at, value in prepared.secrets.items() if at not in kept or kept[at] != value}
    same = {at: stored.sealed[at] for at in prepared.secrets if at not in changed}  # sealed anew it would look changed
    return msgspec.structs.replace(
        stored,
        config=prepared.public,
        config_version=definition.config_version,
        wanted_version=definition.config_version,
        config_fault=None,
        sealed=webhook | same | _sealed(sealer, stored, changed),
    )


def _prepared(
    definition: PluginDefinition,
    submitted: Mapping[str, Any],
    stored: Mapping[str, Any],
    kept: Mapping[str, Any],
    faults: Mapping[str, str],
) -> PreparedConfig:
    """Prepare a configuration, adding its faults to those found already."""
    schema = ConfigSchema(definition.slug, definition.config_schema)
    try:
        prepared = prepare(schema, submitted, stored=stored, kept=kept)
    except ConfigRejected as rejected:
        raise ConfigRejected({**faults, **rejected.faults}) from None
    if faults:
        raise ConfigRejected(faults)
    return prepared


def _sealed(sealer: Sealer, owner: StoredInstallation, secrets: Mapping[str, Any]) -> dict[str, str]:
    return {field: seal_value(sealer, owner, field, value) for field, value in secrets.items()}


def _faults_beside(definition: PluginDefinition, given: InstallIn | UpdateIn) -> dict[str, str]:
    """Return the faults of all that is not the configuration, by JSON pointer from the installation."""
    submitted = given.policy if isinstance(given.policy, dict) else {}
    policy = {f"/policy{at}": why for at, why in policy_faults(definition, submitted).items()} if submitted else {}
    return _webhook_faults(definition, given) | policy


def _webhook_faults(definition: PluginDefinition, given: InstallIn | UpdateIn) -> dict[str, str]:
    checks = {"webhook_url": webhook_url_fault, "webhook_secret": webhook_secret_fault}
    faults = {
        f"/{name}": fault_of(value) if definition.webhook else _NO_WEBHOOK
        for name, fault_of in checks.items()
        if isinstance(value := getattr(given, name), str)
    }
    return {name: fault for name, fault in faults.items() if fault is not None}
