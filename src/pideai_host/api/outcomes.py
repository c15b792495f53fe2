"""What a plugin answers to an event, and the helpers that say it in one word (DESIGN.md 4.7).

    delivered   done; nothing more to do
    sent        accepted by a provider, its result to come later
    retry       try again by the schedule of the definition (one attempt used)
    wait        not now, and no attempt used: the channel is down, the items are not there yet
    failed      for good: trying again cannot help
    unknown     the request left and no answer came: repeated only if the definition says `repeat_safe`

A handler that returns None has delivered. One that raises is retried, except for the errors that
`pideai_host.api.errors` names otherwise.
"""

from enum import StrEnum
from typing import Any

import msgspec

RESPONSE_BODY_MAX_CHARS = 2_048
"""How much of a response body the delivery log keeps."""


class Outcome(StrEnum):
    """The six outcomes of one attempt."""

    DELIVERED = "delivered"
    SENT = "sent"
    RETRY = "retry"
    WAIT = "wait"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PluginEventResult(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's answer; build it with the helpers below, or by hand as the founding document does.

    Attributes:
        success: True for delivered and sent.
        data: Small JSON facts for the delivery log; never secrets.
        error: One line for the owner and the operator; never secrets.
        outcome: Left out, it follows from `success`: delivered, or retry.
        retry_after_s: For retry and wait: no sooner than this, in seconds.
        response_code: HTTP status of the provider or receiver, if there was one.
        response_body: The first `RESPONSE_BODY_MAX_CHARS` characters of its answer.
    """

    success: bool
    data: dict[str, Any] | None = None
    error: str | None = None
    outcome: Outcome | None = None
    retry_after_s: float | None = None
    response_code: int | None = None
    response_body: str | None = None

    @property
    def resolved(self) -> Outcome:
        """The outcome, derived from `success` when none is given."""
        if self.outcome is not None:
            return self.outcome
        return Outcome.DELIVERED if self.success else Outcome.RETRY


def delivered(
    data: dict[str, Any] | None = None, *, response_code: int | None = None, response_body: str | None = None
) -> PluginEventResult:
    """Say that the event is dealt with."""
    return _result(Outcome.DELIVERED, data=data, response_code=response_code, response_body=response_body)


def skipped(reason: str) -> PluginEventResult:
    """Say that there is nothing to do for this event, and why: delivered, with ``{"skipped": reason}`` in the log."""
    return _result(Outcome.DELIVERED, data={"skipped": reason})


def sent(
    data: dict[str, Any] | None = None, *, response_code: int | None = None, response_body: str | None = None
) -> PluginEventResult:
    """Say that a provider accepted it and its result comes later."""
    return _result(Outcome.SENT, data=data, response_code=response_code, response_body=response_body)


def retry(
    error: str,
    *,
    retry_after_s: float | None = None,
    response_code: int | None = None,
    response_body: str | None = None,
) -> PluginEventResult:
    """Ask for another attempt; `retry_after_s` is the receiver's Retry-After, which the host honours and clamps."""
    return _result(
        Outcome.RETRY,
        error=error,
        retry_after_s=retry_after_s,
        response_code=response_code,
        response_body=response_body,
    )


def wait(reason: str, *, retry_after_s: float) -> PluginEventResult:
    """Ask to be called again without using an attempt; the host bounds how long a delivery may wait in all."""
    return _result(Outcome.WAIT, error=reason, retry_after_s=retry_after_s)


def failed(error: str, *, response_code: int | None = None, response_body: str | None = None) -> PluginEventResult:
    """Say that it failed for good."""
    return _result(Outcome.FAILED, error=error, response_code=response_code, response_body=response_body)


def unknown(error: str) -> PluginEventResult:
    """Say that the request left and no answer came: it may or may not have had its effect."""
    return _result(Outcome.UNKNOWN, error=error)


def _result(
    outcome: Outcome,
    *,
    data: dict[str, Any] | None = None,
    error: str | None = None,
    retry_after_s: float | None = None,
    response_code: int | None = None,
    response_body: str | None = None,
) -> PluginEventResult:
    return PluginEventResult(
        success=outcome in (Outcome.DELIVERED, Outcome.SENT),
        data=data,
        error=error,
        outcome=outcome,
        retry_after_s=retry_after_s,
        response_code=response_code,
        response_body=None if response_body is None else response_body[:RESPONSE_BODY_MAX_CHARS],
    )
