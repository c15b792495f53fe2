"""A request's span is named by its route, says what came of it, and has only a trusted caller's word for its parent."""

from ipaddress import ip_network
from uuid import UUID

import pytest

from pideai_host.telemetry import tracing
from pideai_host.web.state import STATE_KEY
from pideai_host.web.traced import TracedFront

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Host:
    trusted_proxies = (ip_network("10.0.0.0/8"),)
    webhook_secrets = ()


class App:
    """Answers as the router would."""

    def __init__(self, *, status=200, kind=b"application/json", error=None):
        self.state = {STATE_KEY: Host()}
        self.status, self.kind, self.error = status, kind, error
        self.ended = []

    async def __call__(self, scope, receive, send):
        if self.error is not None:
            raise self.error
        scope["path_template"] = "/api/stores/{store_id}/plugins"
        scope["path_params"] = {"store_id": UUID(int=1)}
        scope["state"] = {}
        headers = [(b"content-type", self.kind)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        self.ended.append(tracing.current())
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def ask(app, *, path="/api/stores/1/plugins", headers=(), peer="192.0.2.1"):
    scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers), "client": (peer, 1)}

    async def nothing(*_):
        return None

    await TracedFront(app, tracing.active)(scope, nothing, nothing)


async def test_it_is_named_by_the_route(collector):
    await ask(App(status=503))

    [span] = collector.spans()
    assert (span.name, span.kind, span.is_error) == ("GET /api/stores/{store_id}/plugins", "server", True)
    assert span.attributes["http.response.status_code"] == 503
    assert span.attributes["pideai.store"] == str(UUID(int=1))


@pytest.mark.parametrize(
    ("peer", "parent"), [("10.1.2.3", "b" * 16), ("192.0.2.1", "")], ids=["a proxy of ours", "anybody"]
)
async def test_only_a_trusted_proxy_names_the_parent(collector, peer, parent):
    await ask(App(), headers=[(b"traceparent", PARENT.encode())], peer=peer)

    assert collector.spans()[0].parent_id == parent


@pytest.mark.parametrize("given", [[b"garbage"], [b"\xff"], [PARENT.encode()] * 2])
async def test_a_parent_that_is_none_is_none(collector, given):
    await ask(App(), headers=[(b"traceparent", one) for one in given], peer="10.1.2.3")

    assert collector.spans()[0].parent_id == ""


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
async def test_what_machines_ask_all_day_makes_no_span(collector, path):
    await ask(App(), path=path)

    assert collector.spans() == []


async def test_a_stream_s_span_ends_when_the_stream_is_open(collector, caplog):
    seen = []
    app = App(kind=b"text/event-stream; charset=utf-8")
    ended = app.ended.append
    app.ended = type("Noted", (), {"append": lambda _, one: (ended(one), seen.extend(collector.spans()))})()
    await ask(app)

    assert [span.name for span in seen] == ["GET /api/stores/{store_id}/plugins"]
    assert caplog.text == ""  # nothing ends twice


async def test_what_is_raised_is_named_by_its_class(collector):
    with pytest.raises(RuntimeError):
        await ask(App(error=RuntimeError("secret")))

    assert collector.spans()[0].attributes == {"error.type": "RuntimeError"}
