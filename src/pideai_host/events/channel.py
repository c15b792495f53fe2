"""What one call says about the way to whatever a plugin talks to: it works, it is broken, or nothing."""

from enum import StrEnum
from http import HTTPStatus

import httpx

from pideai_host.api import HookTimeout, Outcome, PluginEventResult


class Channel(StrEnum):
    """The word of one call; None stands for a call that says nothing."""

    WORKS = "works"
    BROKEN = "broken"


def channel_of(answer: object) -> Channel | None:
    """Read a plugin's answer.

    Retry and unknown mean broken if the other side answered 5xx or 408, or not at all. A `failed` is the plugin's own
    judgement, `wait` its own timing and `skipped` a call that reached nobody: these say nothing.
    """
    if not isinstance(answer, PluginEventResult):
        return None
    match answer.resolved:
        case Outcome.DELIVERED | Outcome.SENT:
            return None if answer.data is not None and "skipped" in answer.data else Channel.WORKS
        case Outcome.RETRY | Outcome.UNKNOWN:
            return Channel.BROKEN if answer.response_code is None or _is_broken(answer.response_code) else None
        case _:
            return None


def channel_of_error(error: BaseException) -> Channel | None:
    """Read what a hook raised: time-outs and lost connections are broken, a fault of the plugin's code says nothing."""
    match error:
        case HookTimeout() | httpx.TransportError() | ConnectionError() | TimeoutError():
            return Channel.BROKEN
        case httpx.HTTPStatusError() if _is_broken(error.response.status_code):
            return Channel.BROKEN
        case _:
            return None


def _is_broken(code: int) -> bool:
    return code >= HTTPStatus.INTERNAL_SERVER_ERROR or code == HTTPStatus.REQUEST_TIMEOUT
