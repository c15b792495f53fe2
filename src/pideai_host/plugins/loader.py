"""Imports candidates, checks and registers them: one record for each, and a broken one never stops the others."""

import time
from typing import Final

import msgspec
import pluggy

from pideai_host.api.definition import PluginDefinition
from pideai_host.plugins.catalog import Candidate
from pideai_host.plugins.checks import Refused, check
from pideai_host.plugins.interrupts import Interrupts
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, format_traceback
from pideai_host.telemetry import get_logger

_log: Final = get_logger(__name__)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one candidate; `definition` is None unless the plugin is ready."""

    record: LoadRecord
    definition: PluginDefinition | None = None


def load(candidate: Candidate, manager: pluggy.PluginManager) -> Loaded:
    """Import one candidate, check it, and register it under its slug.

    Nothing that the plugin raises gets out, `SystemExit` included: importing is synchronous, so even a `CancelledError`
    can only be the plugin's own. The operator's Ctrl-C does.

    Args:
        candidate: From the catalogue.
        manager: Knows the hook specifications; holds the plugin afterwards only if it is ready.
    """
    started = time.perf_counter()
    phase = Phase.IMPORT
    with Interrupts() as interrupts:
        try:
            plugin = candidate.load()
            phase = Phase.CHECK
            definition = check(candidate.slug, plugin)
            phase = Phase.REGISTER
            manager.register(plugin, name=candidate.slug)
        except BaseException as error:  # sys.exit on import, too, hurts only the plugin
            if interrupts.came:
                raise KeyboardInterrupt from error
            return _broken(candidate, phase, error, time.perf_counter() - started)
    seconds = time.perf_counter() - started
    return Loaded(record=candidate.record(Status.READY, Phase.READY, seconds=seconds), definition=definition)


def _broken(candidate: Candidate, phase: Phase, error: BaseException, seconds: float) -> Loaded:
    if isinstance(error, Refused):
        record = candidate.record(error.status, phase, error.message, seconds=seconds)
    else:
        advice = f"{_DOING[phase]} raised {describe(error)}"
        record = candidate.record(Status.BROKEN, phase, advice, traceback=format_traceback(error), seconds=seconds)
    _log.warning(
        "plugin_refused",
        plugin=record.slug,
        source=record.source,
        phase=phase,
        status=record.status,
        error=record.error,
    )
    return Loaded(record=record)


_DOING: Final = {
    Phase.IMPORT: "importing it",
    Phase.CHECK: "plugin_definition or an attribute of the plugin",
    Phase.REGISTER: "registering it",
}
