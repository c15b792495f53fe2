"""What a call says about the way to what a plugin talks to."""

import httpx
import pytest

from pideai_host.api import (
    ConfigRejected,
    HookTimeout,
    PluginEventResult,
    delivered,
    failed,
    retry,
    sent,
    skipped,
    unknown,
    wait,
)
from pideai_host.events.channel import Channel, channel_of, channel_of_error

REQUEST = httpx.Request("POST", "https://example.com")


def status_error(code):
    return httpx.HTTPStatusError("no", request=REQUEST, response=httpx.Response(code, request=REQUEST))


@pytest.mark.parametrize("answer", [delivered(), delivered({"id": 1}), sent(), PluginEventResult(success=True)])
def test_what_got_through_says_that_it_works(answer):
    assert channel_of(answer) is Channel.WORKS


@pytest.mark.parametrize(
    "answer",
    [retry("no answer"), retry("no", response_code=503), retry("no", response_code=408), unknown("lost")],
    ids=["silence", "503", "408", "unknown"],
)
def test_no_answer_and_5xx_say_that_it_is_broken(answer):
    assert channel_of(answer) is Channel.BROKEN


@pytest.mark.parametrize(
    "answer",
    [
        failed("no such number"),
        failed("no", response_code=500),
        wait("asleep", retry_after_s=5),
        skipped("not for us"),
        retry("slow down", response_code=429),
        retry("gone", response_code=404),
        "not an answer",
    ],
    ids=["failed", "failed_500", "wait", "skipped", "429", "404", "no_answer"],
)
def test_what_the_plugin_judges_itself_says_nothing(answer):
    assert channel_of(answer) is None


@pytest.mark.parametrize(
    "error",
    [
        HookTimeout(slug="a", hook="handle_event", limit_s=1.0),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        ConnectionResetError(),
        TimeoutError(),
        status_error(502),
    ],
    ids=lambda error: type(error).__name__,
)
def test_time_outs_and_lost_connections_say_that_it_is_broken(error):
    assert channel_of_error(error) is Channel.BROKEN


@pytest.mark.parametrize(
    "error", [KeyError("a bug"), ConfigRejected({"/a": "no"}), status_error(404)], ids=["bug", "refusal", "404"]
)
def test_a_fault_of_the_plugins_own_says_nothing(error):
    assert channel_of_error(error) is None
