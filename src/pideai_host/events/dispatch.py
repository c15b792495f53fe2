"""Run the hook for one claimed delivery, within its limits, and say what becomes of it."""

import functools
import random
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from pideai_host.api import (
    DeliveryInfo,
    Outcome,
    PluginDefinition,
    PluginEvent,
    PluginEventResult,
    delivered,
    retry,
    type_of_payload,
)
from pideai_host.events.breakers import Breakers
from pideai_host.events.channel import Channel, channel_of, channel_of_error
from pideai_host.events.installed import Installed
from pideai_host.events.queue import CLAIMS_MAX, Claimed
from pideai_host.events.reasons import EndReason
from pideai_host.events.verdict import Verdict, judge, result_of_error
from pideai_host.outgoing.trace import track_requests
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory, Emitted, HostContext
from pideai_host.stores.versions import version_fault
from pideai_host.telemetry import HOOK_SECONDS, get_logger

_log: Final = get_logger(__name__)
_decoders: Final = {name: msgspec.json.Decoder(struct).decode for name, struct in type_of_payload.items()}
_decode_any: Final = msgspec.json.Decoder(dict[str, Any]).decode
_seconds_of: Final = functools.cache(lambda slug: HOOK_SECONDS.labels(plugin=slug))
CONFIG_MIN_S: Final = 2.0
CONFIG_MAX_S: Final = 300.0
"""How long a delivery waits for its configuration to be brought up, or for a worker with newer code: its age, within
these. It is made due at once when the configuration was brought up."""

_FLAG: Final = (bool,)
_TEXT: Final = (str, type(None))
_OUTCOME: Final = (Outcome, type(None))
_SECONDS: Final = (float, type(None))
_CODE: Final = (int, type(None))


class Dispatched(msgspec.Struct, frozen=True):
    """A verdict, how long the call took, what the plugin emitted meanwhile, and whether it may hold a credit now.

    Nothing is emitted by a call that returned no result: what it raised, or a limit, says nothing of what it meant.
    """

    verdict: Verdict
    duration_ms: int = 0
    emitted: tuple[Emitted, ...] = ()
    may_hold_credit: bool = False


class Dispatcher:
    """Calls plugins; shared by all deliveries of a worker."""

    def __init__(
        self,
        registry: Registry,
        runner: HookRunner,
        contexts: ContextFactory,
        breakers: Breakers,
        *,
        chance: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._contexts = contexts
        self._breakers = breakers
        self._chance = chance
        self._monotonic = monotonic

    async def dispatch(
        self,
        claimed: Claimed,
        slug: str,
        stored: Installed | None,
        payload: str | None = None,
        *,
        has_crashed: bool = False,
    ) -> Dispatched:
        """Deal with one delivery. Never raises for what a plugin does.

        Args:
            claimed: The message with its delivery and event.
            slug: The plugin of the lane.
            stored: The installation, None when the store has uninstalled the plugin.
            payload: The completed payload, when it was completed after the claim.
            has_crashed: Whether the delivery was found to end workers; then no call is made.
        """
        definition = self._registry.definitions[slug]
        refused = _refusal(claimed, definition, stored, has_crashed=has_crashed)
        if refused is not None or stored is None:
            verdict = refused or _cancelled()
            breaker = definition.breaker if stored is None else stored.delivery.breaker
            return Dispatched(await self._breakers.heard(claimed, definition, breaker, None, verdict))
        parked = self._breakers.parks(claimed)
        if parked is not None:
            return Dispatched(parked)

        started_s = self._monotonic()
        context = self._contexts.make(stored, DeliveryInfo(id=claimed.id, attempt=claimed.attempts + 1))
        try:
            event = event_of(claimed, payload)
        except msgspec.MsgspecError as error:
            said = f"the event cannot be read: {error}"
            return Dispatched(Verdict(status="failed", outcome="failed", reason=EndReason.UNREADABLE, error=said))
        result, channel, has_returned = await self._call(event, slug, definition, context)
        seconds = self._monotonic() - started_s
        _seconds_of(slug).observe(seconds)
        verdict = judge(
            result,
            stored.delivery.retry,
            repeat_safe=definition.repeat_safe,
            calls=claimed.attempts + 1,
            waited_s=claimed.waited_s or 0.0,
            random=self._chance,
        )
        verdict = await self._breakers.heard(claimed, definition, stored.delivery.breaker, channel, verdict)
        emitted = tuple(context.emitted) if has_returned else ()
        return Dispatched(verdict, round(seconds * 1_000), emitted, context.may_hold_credit)

    async def _call(
        self,
        event: PluginEvent,
        slug: str,
        definition: PluginDefinition,
        context: HostContext,
    ) -> tuple[PluginEventResult, Channel | None, bool]:
        """Return the result, what it says of the channel, and whether the plugin returned it itself."""
        hook = self._registry.hook(slug, "handle_event")
        if hook is None:
            return delivered({"skipped": "the plugin has no handle_event"}), None, True
        arguments = {"event": event, "config": context.config, "context": context}
        with track_requests() as requests:
            try:
                answer = await self._runner.call(hook, arguments, limit_s=definition.limits.timeout_s)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is an outcome, and hurts only itself
                context.log.warning("hook_raised", hook="handle_event", error=type(error).__name__)
                result = result_of_error(error, request_left=requests.in_flight)
                return redacted_result(result, context), channel_of_error(error), False
        result = checked_answer(answer, context)
        has_returned = isinstance(answer, PluginEventResult | None)
        return result, channel_of(result) if has_returned else None, has_returned


def event_of(claimed: Claimed, payload: str | None = None) -> PluginEvent:
    """Build the event a hook sees; raises `msgspec.MsgspecError` when the stored payload does not fit its type."""
    decode = _decoders.get(claimed.type, _decode_any)
    if claimed.event_id is None:
        raise msgspec.ValidationError("its row is gone")
    return PluginEvent(
        id=claimed.event_id,
        type=claimed.type,
        store_id=claimed.store_id,
        timestamp=claimed.occurred_at,
        payload=decode(payload or claimed.payload),
        metadata={"source": claimed.source, "late": True} if claimed.is_late else {"source": claimed.source},
    )


def _refusal(
    claimed: Claimed, definition: PluginDefinition, stored: Installed | None, *, has_crashed: bool
) -> Verdict | None:
    """Say why a delivery is not made at all, or None."""
    if stored is None or claimed.revision is None:
        return _cancelled()
    if has_crashed:
        return Verdict(
            status="failed",
            outcome="crashed",
            reason=EndReason.CRASHED,
            error=f"crashed: {definition.slug} was begun {CLAIMS_MAX} times, and the worker ended each time",
        )
    if not claimed.enabled:
        return Verdict(status="pending", outcome="disabled", park_reason="disabled")
    max_age_s = stored.delivery.max_age_s
    if max_age_s is not None and claimed.age_s > max_age_s:
        return Verdict(
            status="expired",
            outcome="expired",
            reason=EndReason.TOO_OLD,
            error=f"older than {max_age_s:g} s when its turn came",
        )
    fault = version_fault(stored, definition)
    if fault is not None:
        delay_s = min(max(claimed.age_s, CONFIG_MIN_S), CONFIG_MAX_S)
        return Verdict(status="pending", outcome="wait", delay_s=delay_s, park_reason="config", error=fault)
    return None


def _cancelled() -> Verdict:
    said = "the store has uninstalled the plugin"
    return Verdict(status="cancelled", outcome="cancelled", reason=EndReason.UNINSTALLED, error=said)


def checked_answer(answer: Any, context: HostContext) -> PluginEventResult:
    """Return what a hook answered, as it may be shown and kept; what is no answer is one to try again."""
    if answer is None:
        return delivered()
    if not isinstance(answer, PluginEventResult):
        return retry(f"handle_event returned {type(answer).__name__}, not PluginEventResult")
    if _is_sound(answer):
        return redacted_result(answer, context)
    try:  # nothing held the plugin to the types while it built its answer
        checked = msgspec.convert({**msgspec.structs.asdict(answer), "data": None}, PluginEventResult)
    except msgspec.ValidationError as error:
        return retry(f"handle_event returned a PluginEventResult that is none: {error}")
    return redacted_result(msgspec.structs.replace(checked, data=answer.data), context)


def _is_sound(answer: PluginEventResult) -> bool:
    """Tell whether an answer has exactly the types that it declares, as nearly all have; `data` is checked when stored.

    Building it anew costs five times as much.
    """
    return (
        type(answer) is PluginEventResult
        and type(answer.success) in _FLAG
        and type(answer.error) in _TEXT
        and type(answer.outcome) in _OUTCOME
        and type(answer.retry_after_s) in _SECONDS
        and type(answer.response_code) in _CODE
        and type(answer.response_body) in _TEXT
    )


def redacted_result(result: PluginEventResult, context: HostContext) -> PluginEventResult:
    """Take opened secrets out of what goes into the log: a plugin may have quoted one in an error."""
    if not context.opened_secrets:
        return result
    error, body = context.redact(result.error), context.redact(result.response_body)
    data = None if result.data is None else _without_secrets(result.data, context)
    if error == result.error and body == result.response_body and data == result.data:
        return result
    return msgspec.structs.replace(result, error=error, response_body=body, data=data)


def _without_secrets(value: Any, context: HostContext) -> Any:
    """Return data without the secrets that a plugin was given, in its keys and texts at any depth."""
    if isinstance(value, str):
        return context.redact(value)
    if isinstance(value, dict):
        return {_without_secrets(key, context): _without_secrets(inner, context) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner, context) for inner in value]
    return value
