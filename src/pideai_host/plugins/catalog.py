"""Finds candidates among the installed distributions by their entry points; imports none of them.

Order is by distribution name, then slug: the order of directory listings, which differs between machines, shows
nowhere. A distribution that several folders of the path hold counts once, as Python would import it: the first wins.
"""

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec
from importlib_metadata import Distribution, EntryPoint

from pideai_host.api.definition import slug_fault
from pideai_host.api.hooks import ENTRY_POINT_GROUP
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, one_line
from pideai_host.telemetry import get_logger

_SEPARATORS: Final = re.compile(r"[-_.]+")
_log: Final = get_logger(__name__)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An entry point of group `pideai.plugins`, not imported yet."""

    slug: str
    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def source(self) -> str:
        """Where it comes from, for people: ``dist==version: slug = package.module:attribute``."""
        return f"{self.requirement}: {self.slug} = {self.entry_point.value}"

    @property
    def requirement(self) -> str:
        """The distribution as pip names it: ``dist==version``."""
        return f"{self.distribution}=={self.version}"

    def load(self) -> Any:
        """Import the module and return what the entry point names; raises whatever the module raises."""
        return self.entry_point.load()

    def record(
        self,
        status: Status,
        phase: Phase,
        error: str | None = None,
        *,
        traceback: str | None = None,
        seconds: float = 0.0,
    ) -> LoadRecord:
        """Write down what became of this candidate."""
        return LoadRecord(
            slug=self.slug,
            distribution=self.distribution,
            version=self.version,
            source=self.source,
            phase=phase,
            status=status,
            error=None if error is None else one_line(error),
            traceback=traceback,
            seconds=seconds,
        )


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the path found.

    Attributes:
        candidates: To be imported, sorted by distribution, then slug.
        refused: Those that need no import to be settled: not selected, in conflict, misnamed, selected but missing.
    """

    candidates: tuple[Candidate, ...]
    refused: tuple[LoadRecord, ...]


def find(selection: Collection[str] | None = None, paths: Sequence[str] | None = None) -> Catalog:
    """Look through the installed distributions once and tell what to import.

    Args:
        selection: Slugs to load; None for all, empty for none. Whatever is not selected is never imported.
        paths: Folders to look in, in order of preference; None for `sys.path`.
    """
    found, refused = _scan(list(dict.fromkeys(sys.path if paths is None else paths)))
    by_slug: dict[str, list[Candidate]] = {}
    for candidate in sorted(found, key=_order):
        by_slug.setdefault(candidate.slug, []).append(candidate)
    if selection is not None:
        refused.extend(_missing(slug) for slug in set(selection) - by_slug.keys())
    wanted: list[Candidate] = []
    for slug, rivals in by_slug.items():
        fault = _fault(slug, rivals, selection)
        if fault is None:
            wanted.extend(rivals)
        else:
            refused.extend(one.record(*fault) for one in rivals)
    return Catalog(candidates=tuple(sorted(wanted, key=_order)), refused=tuple(sorted(refused, key=record_order)))


def record_order(record: LoadRecord) -> tuple[str, str]:
    """Sort records as the catalogue is sorted: by distribution, then slug."""
    return canonical(record.distribution), record.slug


def canonical(distribution: str) -> str:
    """Return a distribution's name as package indexes compare it: lower case, runs of ``-_.`` as one hyphen."""
    return _SEPARATORS.sub("-", distribution).lower()


def _order(candidate: Candidate) -> tuple[str, str]:
    return canonical(candidate.distribution), candidate.slug


def _fault(
    slug: str, rivals: Sequence[Candidate], selection: Collection[str] | None
) -> tuple[Status, Phase, str] | None:
    """Tell why the candidates of one slug are not to be imported, or None."""
    if selection is not None and slug not in selection:
        return Status.SKIPPED, Phase.SELECT, "not named in PIDEAI_PLUGINS"
    misnamed = slug_fault(slug)
    if misnamed is not None:
        return Status.BROKEN, Phase.DISCOVER, f"{misnamed}; rename the entry point"
    if len(rivals) > 1:
        who = " and ".join(one.requirement for one in rivals)
        return Status.CONFLICT, Phase.DISCOVER, f"slug {slug!r} is declared by {who}; uninstall all but one"
    return None


def _missing(slug: str) -> LoadRecord:
    return LoadRecord(
        slug=slug,
        distribution="",
        version="",
        source="PIDEAI_PLUGINS",
        phase=Phase.SELECT,
        status=Status.BROKEN,
        error=f"no installed distribution has plugin {slug!r}; install it or correct PIDEAI_PLUGINS",
    )


def _scan(paths: list[str]) -> tuple[list[Candidate], list[LoadRecord]]:
    """Collect every candidate, and a record for each distribution of ours whose metadata cannot be read."""
    found: list[Candidate] = []
    unreadable: list[LoadRecord] = []
    for dist in Distribution.discover(path=paths):
        if not _mentions_plugins(dist):
            continue
        try:
            found.extend(_candidates(dist, paths))
        except Exception as error:  # noqa: BLE001 - a half-deleted distribution must not stop the others
            unreadable.append(_unreadable(dist, error))
    return found, unreadable


def _mentions_plugins(dist: Distribution) -> bool:
    """Tell by the raw text, so that nobody else's malformed metadata is even parsed."""
    try:
        return ENTRY_POINT_GROUP in (dist.read_text("entry_points.txt") or "")
    except Exception as error:  # noqa: BLE001 - bytes that are no text, a finder of somebody else's that raises
        _log.warning("entry_points_unreadable", at=str(dist.locate_file("")), error=describe(error))
        return False


def _candidates(dist: Distribution, paths: list[str]) -> Iterator[Candidate]:
    metadata = dist.metadata
    name, version = metadata["Name"], metadata["Version"]
    first = next(iter(Distribution.discover(name=name, path=paths)), dist)
    if first.locate_file("") != dist.locate_file(""):
        return  # an earlier folder of the path holds the distribution, maybe in a version without plugins
    for entry_point in dist.entry_points.select(group=ENTRY_POINT_GROUP):
        yield Candidate(slug=entry_point.name, distribution=name, version=version, entry_point=entry_point)


def _unreadable(dist: Distribution, error: Exception) -> LoadRecord:
    return LoadRecord(
        slug="?",
        distribution="?",
        version="?",
        source=str(dist.locate_file("")),
        phase=Phase.DISCOVER,
        status=Status.BROKEN,
        error=f"a distribution with a plugin has unreadable metadata; reinstall it ({describe(error)})",
    )
