"""What a plugin's migrations are: files with checksums, a schema, and which of them wait. Reads no database.

Apart from `plugin_ledger`, which applies them, so that processes that only look need not import what applies.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from pideai_host.api.errors import PluginFault

NAMED_MAX: Final = 5
"""Of what is wrong, in a message."""


class MigrationFile(msgspec.Struct, frozen=True):
    """A migration of a plugin, and what undoes it."""

    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """Tells whether the file is the one that was applied, however its lines end."""
        return hashlib.sha256("\n".join(self.up.splitlines()).encode()).hexdigest()


class PluginMigrations(msgspec.Struct, frozen=True):
    """All migrations of a plugin, in the order of their names."""

    slug: str
    files: tuple[MigrationFile, ...]

    @property
    def schema(self) -> str:
        """Where its tables lie."""
        return schema_of(self.slug)


def schema_of(slug: str) -> str:
    """Name the schema of a plugin."""
    return "pideai_" + slug.replace("-", "_")


def waiting(wanted: PluginMigrations, applied: Mapping[str, str], *, may_be_newer: bool = False) -> list[MigrationFile]:
    """Return what is still to be applied.

    Args:
        wanted: The plugin's files.
        applied: Name -> checksum of what was applied.
        may_be_newer: Let the database have migrations that come after all files: newer code has applied them, which
            older code lives with in a rolling deployment.

    Raises:
        PluginFault: a file that was applied is another one now, or is gone.
    """
    known = {one.name: one for one in wanted.files}
    changed = [name for name, one in known.items() if applied.get(name, one.checksum) != one.checksum]
    if changed:
        raise PluginFault(
            f"{wanted.slug}: {listed(changed)} changed after it was applied",
            slug=wanted.slug,
            hint="Put the file back as it was, and write what is to change as a new one.",
        )
    newest = max(known, default="")
    gone = sorted(name for name in applied.keys() - known.keys() if not (may_be_newer and name > newest))
    if gone:
        raise PluginFault(
            f"{wanted.slug}: {listed(gone)} was applied, and the plugin has it no more",
            slug=wanted.slug,
            hint="Is this an older version of the plugin? Bring the file back.",
        )
    return [one for one in wanted.files if one.name not in applied]


def listed(names: Sequence[str]) -> str:
    """Name a few, and say how many more there are."""
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
