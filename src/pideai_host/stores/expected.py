"""Upon which state of an installation a change was made, so that two tabs do not overwrite each other."""

from collections.abc import Collection
from typing import ClassVar, Final, Protocol
from uuid import UUID

from pideai_host.api import StoreProblem

_SETTLED: Final = frozenset({"enabled", "disabled"})


class ChangedMeanwhile(StoreProblem):
    """The installation is not any more what the change was made upon; nothing is written."""

    code: ClassVar[str] = "changed_meanwhile"


class Numbered(Protocol):
    """What tells one state of an installation from another."""

    @property
    def id(self) -> UUID:
        """Of the installation; after an uninstall the next one has another."""

    @property
    def revision(self) -> int:
        """Rises with every change."""

    @property
    def state(self) -> str:
        """Enabled, disabled, or what is under way."""


def tag_of(installation: Numbered) -> str:
    """Name the state of an installation: the same one as long as nothing of it changes, and never again."""
    tag = f"{installation.id.hex[:8]}-{installation.revision}"
    return tag if installation.state in _SETTLED else f"{tag}-{installation.state}"


def require_expected(installation: Numbered, expected: Collection[str] | None) -> None:
    """Return if an installation is in one of the states that were expected; None expects nothing.

    Raises:
        ChangedMeanwhile: it is not.
    """
    if expected is not None and _revision(tag_of(installation)) not in map(_revision, expected):
        raise ChangedMeanwhile(
            "the installation was changed since you read it", hint="Read it again, and make your change upon that."
        )


def _revision(tag: str) -> list[str]:
    """Take out of a tag what a change is made upon; what is under way is not of its own making."""
    return tag.split("-")[:2]
