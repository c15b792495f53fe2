"""What becomes of a delivery after one attempt: the plugin's answer, or what went wrong, as the row to write.

The column status knows no retry: pending with a delay is one (DESIGN.md 4.7).
"""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from pideai_host.api import (
    ConfigRejected,
    CreditsExhausted,
    HookTimeout,
    Outcome,
    PluginEventResult,
    RetryPolicy,
    failed,
    retry,
    unknown,
)
from pideai_host.events.reasons import EndReason
from pideai_host.events.retry import delay_after, wait_for

ERROR_MAX_CHARS = 500


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery's next state.

    Attributes:
        status: Of the delivery log: pending, sent, delivered, failed, unknown, expired or cancelled.
        outcome: In one word, for the history and the metrics: an `Outcome`, or expired, crashed, cancelled, disabled,
            breaker or order.
        uses_attempt: Whether a call was made that counts.
        delay_s: With pending: when it is due again; None parks it until somebody promotes it.
        park_reason: With pending: retry, wait, items, turn (its store has too many calls running), disabled, breaker,
            rate, config (of another version than the plugin wants) or order (one before it is pending).
        reason: Why the host ends it; None where the plugin does, or nobody yet.
    """

    status: str
    outcome: str
    uses_attempt: bool = False
    delay_s: float | None = None
    park_reason: str | None = None
    response_code: int | None = None
    response_body: str | None = None
    error: str | None = None
    reason: EndReason | None = None
    data: dict[str, Any] | None = None


def judge(
    result: PluginEventResult,
    policy: RetryPolicy,
    *,
    repeat_safe: bool,
    calls: int,
    waited_s: float,
    random: Callable[[], float],
) -> Verdict:
    """Turn a plugin's answer into the delivery's next state.

    Args:
        result: What the plugin said, or what `result_of_error` made of its exception.
        policy: The installation's.
        repeat_safe: Whether the plugin says that a repeat is harmless.
        calls: Calls made so far, this one included.
        waited_s: Seconds since it first asked to wait, 0 if it never did.
        random: Uniform in [0, 1).
    """
    outcome = result.resolved
    if outcome is Outcome.UNKNOWN and repeat_safe:
        outcome = Outcome.RETRY
    match outcome:
        case Outcome.WAIT:
            delay_s = wait_for(policy, waited_s, asked_s=result.retry_after_s)
            if delay_s is None:
                return _ended(result, EndReason.WAITED_TOO_LONG, f"waited too long: {result.error}")
            return _verdict(result, "pending", outcome, delay_s=delay_s, park_reason="wait", uses_attempt=False)
        case Outcome.RETRY:
            delay_s = delay_after(policy, calls, retry_after_s=result.retry_after_s, random=random)
            if delay_s is None:
                return _ended(result, EndReason.GAVE_UP, f"gave up after {calls} attempts: {result.error}")
            return _verdict(result, "pending", outcome, delay_s=delay_s, park_reason="retry")
        case _:
            return _verdict(result, outcome.value, outcome)


def result_of_error(error: BaseException, *, request_left: bool) -> PluginEventResult:
    """Say what an exception out of a hook means.

    Args:
        error: What the hook raised, or `HookTimeout`.
        request_left: Whether a request went out to which no full answer came.
    """
    text = f"{type(error).__name__}: {error}"
    match error:
        case ConfigRejected() | CreditsExhausted():
            return failed(error.message)
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return retry(text)
        case HookTimeout() | httpx.TransportError() if request_left:
            return unknown(text)
        case _:
            return retry(text)


def _ended(result: PluginEventResult, reason: EndReason, error: str) -> Verdict:
    verdict = _verdict(result, "failed", Outcome.FAILED)
    return msgspec.structs.replace(verdict, reason=reason, error=error[:ERROR_MAX_CHARS])


def _verdict(
    result: PluginEventResult,
    status: str,
    outcome: Outcome,
    *,
    delay_s: float | None = None,
    park_reason: str | None = None,
    uses_attempt: bool = True,
) -> Verdict:
    return Verdict(
        status=status,
        outcome=outcome.value,
        uses_attempt=uses_attempt,
        delay_s=delay_s,
        park_reason=park_reason,
        response_code=result.response_code,
        response_body=result.response_body,
        error=None if result.error is None else result.error[:ERROR_MAX_CHARS],
        data=result.data,
    )
