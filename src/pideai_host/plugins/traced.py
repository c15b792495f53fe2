"""Calls of hooks as spans, where traces are recorded (docs/adr/0045)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Hook

if TYPE_CHECKING:
    from pideai_host.telemetry.spans import Spans


class TracedRunner(HookRunner):
    """A runner whose calls are spans: what the hook does, in its task or thread, lies below."""

    def __init__(self, spans: "Spans", **named: Any) -> None:
        super().__init__(**named)
        self._spans = spans

    async def call(self, hook: Hook, arguments: Mapping[str, Any], *, limit_s: float) -> Any:
        """Call a hook as `HookRunner.call` does."""
        facts = {"pideai.plugin": hook.slug, "pideai.hook": hook.name}
        with self._spans.span(f"{hook.slug} {hook.name}", attributes=facts):
            return await super().call(hook, arguments, limit_s=limit_s)
