"""The short way in: it takes what is plain, and leaves all else to the router."""

import pytest

from pideai_host.web.front import Front
from pideai_host.web.routes.webhooks import PATH
from pideai_host.web.state import STATE_KEY

SECRET = b"right"


class Host:
    webhook_secrets = (SECRET,)

    def __init__(self):
        self.door = self
        self.bodies = []

    async def receive(self, body):
        self.bodies.append(body)
        return ()


class App:
    """Notes what is left to it."""

    def __init__(self, host):
        self.state = {STATE_KEY: host}
        self.faults = []

    async def __call__(self, scope, receive, send):
        self.faults.append(scope.get("state", {}).get("pideai_fault"))


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def app(host):
    return App(host)


async def ask(app, *, messages, method="POST", path=PATH, headers=()):
    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    waiting, sent = list(messages), []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await Front(app)(scope, receive, send)
    return sent


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def plain(length):
    return [(b"x-pideai-webhook-secret", SECRET), (b"content-length", str(length).encode())]


async def test_a_plain_change_never_sees_the_router(app, host):
    sent = await ask(app, messages=[part(b"{}")], headers=plain(2))

    assert (host.bodies, sent[0]["status"], app.faults) == ([b"{}"], 202, [])


async def test_a_body_may_come_in_parts(app, host):
    await ask(app, messages=[part(b"{", more=True), part(b"}", more=True), part(b"")], headers=plain(2))

    assert host.bodies == [b"{}"]


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET"},
        {"path": PATH + "/"},
        {"headers": [(b"content-length", b"2")]},
        {"headers": [(b"x-pideai-webhook-secret", b"wrong"), (b"content-length", b"2")]},
        {"headers": [(b"x-pideai-webhook-secret", SECRET)]},
        {"headers": [(b"x-pideai-webhook-secret", SECRET), (b"content-length", b"-2")]},
        {"headers": [(b"x-pideai-webhook-secret", SECRET), (b"content-length", b"99999999")]},
        {"headers": [(b"x-pideai-webhook-secret", SECRET), (b"content-length", b"\xb2")]},
    ],
    ids=["method", "path", "no_secret", "wrong_secret", "no_length", "odd_length", "too_long", "no_ascii_digit"],
)
async def test_what_is_not_plain_is_left_to_the_router_unread(app, host, request_):
    await ask(app, **{"messages": [], "headers": plain(2)} | request_)

    assert (host.bodies, app.faults) == ([], [None])


@pytest.mark.parametrize(
    "messages",
    [[part(b"{")], [part(b"{}}")], [part(b"{", more=True), {"type": "http.disconnect"}]],
    ids=["short", "long", "gone"],
)
async def test_a_body_of_another_length_is_refused_by_the_router(app, host, messages):
    await ask(app, messages=messages, headers=plain(2))

    assert (host.bodies, app.faults[0].status_code) == ([], 400)
