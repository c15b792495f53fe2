"""What plugins contribute and the host cannot take: each plugin goes on without it, and its record says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from pideai_host.api import PluginFault
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, format_traceback
from pideai_host.plugins.registry import Registry
from pideai_host.telemetry import get_logger

_log: Final = get_logger(__name__)


class Refusals:
    """Whose contributions of one kind are refused.

    Args:
        phase: The kind; the log has it in ``plugin_{phase}_refused``, the record in its phase and its words.
    """

    def __init__(self, phase: Phase) -> None:
        self._phase = phase
        self._errors: dict[str, BaseException] = {}

    def add(self, slug: str, error: BaseException) -> None:
        """Refuse what a plugin contributes, for what it raised."""
        self._errors[slug] = error
        _log.warning(f"plugin_{self._phase}_refused", plugin=slug, error=describe(error))

    @contextmanager
    def caught(self, slug: str) -> Iterator[None]:
        """Refuse what a plugin contributes when the block raises."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever a plugin brings, the others' contributions are taken
            self.add(slug, error)

    def noted(self, registry: Registry) -> Registry:
        """Return the registry with records that tell of the refusals; it is the same where there are none."""
        return registry.with_records(map(self._note, registry.records)) if self._errors else registry

    def _note(self, record: LoadRecord) -> LoadRecord:
        error = self._errors.get(record.slug)
        if error is None or record.status is not Status.READY:
            return record
        said = error.message if isinstance(error, PluginFault) else describe(error)
        return msgspec.structs.replace(
            record,
            phase=self._phase,
            status=Status.PARTIAL,
            error=f"its {self._phase.replace('_', ' ')} are refused: {said}",
            traceback=None if isinstance(error, PluginFault) else format_traceback(error),
        )
