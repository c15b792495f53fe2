"""The installations a worker calls hooks for: a bounded copy, read again when a claim shows that it is old."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.events.queue import Claimed
from pideai_host.plugins.registry import Registry
from pideai_host.stores.installations import Installations, StoredInstallation
from pideai_host.stores.policy import DeliveryPolicy, policy_of

MAX_INSTALLATIONS: Final = 20_000


class Installed(StoredInstallation, frozen=True, kw_only=True):
    """An installation as a worker keeps it.

    Attributes:
        delivery: What the plugin says of deliveries and what the installation wants otherwise, merged.
    """

    delivery: DeliveryPolicy


class InstalledCopies:
    """Installations by id, with their configuration, sealed secrets and policy.

    Args:
        installations: Where they are read.
        registry: The plugins that they may be of.
    """

    def __init__(self, installations: Installations, registry: Registry) -> None:
        self._installations = installations
        self._registry = registry
        self._copies: OrderedDict[UUID, Installed] = OrderedDict()

    async def for_batch(self, batch: Iterable[Claimed]) -> dict[UUID, Installed]:
        """Return the installations of a batch, at least as new as each claim saw them; at most one query."""
        wanted = {one.installation_id: one.revision for one in batch if one.revision is not None}
        missing = [key for key, revision in wanted.items() if not self._is_fresh(key, revision)]
        if missing:
            read = await self._installations.load(missing)
            for key in missing:
                self._copies.pop(key, None)
            self._copies.update((key, self._merged(stored)) for key, stored in read.items())
        found = {key: self._copies[key] for key in wanted if key in self._copies}
        while len(self._copies) > MAX_INSTALLATIONS:
            self._copies.popitem(last=False)
        return found

    def _merged(self, stored: StoredInstallation) -> Installed:
        policy = policy_of(self._registry.definitions[stored.slug], stored.policy)
        return Installed(**msgspec.structs.asdict(stored), delivery=policy)

    def _is_fresh(self, key: UUID, revision: int) -> bool:
        copy = self._copies.get(key)
        return copy is not None and copy.revision >= revision
