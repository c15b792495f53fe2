"""A POST that is sent again under its key is carried out once, and answered as it was."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from litestar import post
from litestar.exceptions import ClientException
from litestar.params import JSONBody

from pideai_host.api import ConfigRejected, PluginDefinition, PluginType, hookimpl
from pideai_host.events.prune import Pruning
from pideai_host.stores.answers import ANSWER_MAX_BYTES
from pideai_host.web import idempotency

CANARY = "canary-3b9c71"


class Probe:
    """Counts what is carried out; waits for `may_go` where a test wants that."""

    def __init__(self) -> None:
        self.carried_out: list[str] = []
        self.begun = asyncio.Event()
        self.may_go = asyncio.Event()
        self.may_go.set()

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.INTEGRATION,
            subscribed_events=(),
            webhook=True,
            api=">=1.1,<2",
        )

    @hookimpl
    async def on_install(self, config: dict[str, Any]) -> None:
        self.carried_out.append("install")
        if config.get("bad"):
            raise ConfigRejected({"/bad": "is bad"})

    @hookimpl
    def http_routes(self) -> list[Any]:
        @post("/work")
        async def work(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
            self.carried_out.append("work")
            self.begun.set()
            await self.may_go.wait()
            if data.get("refuse"):
                raise ClientException("not now")
            return {"number": len(self.carried_out), "secret": CANARY, "filling": "x" * data.get("size", 0)}

        return [work]


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
async def host(hosted, probe):
    return await hosted({"probe": probe})


def keyed(key: str) -> dict[str, str]:
    return {"idempotency-key": key}


async def work(host, key: str = "k", **body: Any):
    return await host.ask("POST", "/probe/work", json=body, headers=keyed(key))


async def kept(host) -> list[Any]:
    return await (await host.admin.execute("select k.*, k::text from pideai_host.kept_answers k")).fetchall()


async def test_a_request_sent_again_is_answered_as_it_was_and_carried_out_once(host, probe):
    first, second, other = await work(host), await work(host), await work(host, "k2")

    assert (first.status_code, first.json()["number"], "idempotency-replayed" in first.headers) == (201, 1, False)
    assert (second.status_code, second.content) == (201, first.content)
    assert (second.headers["idempotency-replayed"], second.headers["content-type"]) == ("true", "application/json")
    assert (second.headers["cache-control"], second.headers["x-request-id"] != first.headers["x-request-id"]) == (
        "no-store",
        True,
    )
    assert (other.json()["number"], probe.carried_out) == (2, ["work", "work"])


async def test_without_a_key_each_is_carried_out_and_nothing_is_kept(host, probe):
    for _ in range(2):
        await host.ask("POST", "/probe/work", json={})

    assert (probe.carried_out, await kept(host)) == (["work", "work"], [])


async def test_a_key_sent_with_another_request_is_refused(host, probe):
    await work(host)

    for path, body, query in (("/probe/work", {"a": 1}, {}), ("/plugins", {}, {}), ("/probe/work", {}, {"q": "1"})):
        refused = await host.ask("POST", path, json=body, params=query, headers=keyed("k"))
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert probe.carried_out == ["work"]


async def test_stores_and_users_have_keys_of_their_own(host, probe):
    other = await host.new_store(host.owner_id)
    await host.install("probe", store_id=other)
    await work(host)

    mine = await host.ask("POST", "/probe/work", store_id=other, json={"a": 1}, headers=keyed("k"))
    strangers = await host.ask("POST", "/probe/work", user_id=uuid4(), json={}, headers=keyed("k"))

    assert (mine.status_code, strangers.status_code, probe.carried_out) == (201, 404, ["work", "work"])
    assert len(await kept(host)) == 2


async def test_of_many_at_once_one_is_carried_out_and_all_get_its_answer(host, probe):
    probe.may_go.clear()
    asked = [asyncio.create_task(work(host)) for _ in range(5)]
    await probe.begun.wait()
    probe.may_go.set()
    answers = await asyncio.gather(*asked)

    assert {answer.content for answer in answers} == {answers[0].content}
    assert ([answer.status_code for answer in answers], probe.carried_out) == ([201] * 5, ["work"])


async def test_a_twin_of_one_that_takes_long_is_told_to_come_again(host, probe, monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_S", 0.1)
    probe.may_go.clear()
    first = asyncio.create_task(work(host))
    await probe.begun.wait()

    twin = await work(host)
    other = await work(host, size=1)
    probe.may_go.set()

    assert (twin.status_code, twin.json()["code"], twin.headers["retry-after"]) == (409, "request_under_way", "1")
    assert (other.status_code, (await first).status_code, (await work(host)).content) == (
        422,
        201,
        (await first).content,
    )
    assert probe.carried_out == ["work"]


async def test_what_is_refused_is_judged_anew(host, probe):
    await host.ask("DELETE", "/plugins/probe")
    asked = {"slug": "probe", "config": {"bad": True}}

    refused = [await host.ask("POST", "/plugins", json=asked, headers=keyed("k")) for _ in range(2)]
    mended = await host.ask("POST", "/plugins", json={"slug": "probe"}, headers=keyed("k"))

    assert ([one.status_code for one in refused], mended.status_code) == ([422, 422], 201)
    assert probe.carried_out == ["install", "install", "install"]
    assert (await work(host, "other", refuse=True)).status_code == 400
    assert len(await kept(host)) == 1


async def test_a_secret_that_is_shown_once_is_not_kept(host):
    await host.ask("DELETE", "/plugins/probe")

    first, again = [await host.ask("POST", "/plugins", json={"slug": "probe"}, headers=keyed("k")) for _ in range(2)]

    shown = first.json()
    assert shown.pop("webhook_secret").startswith("whsec_")
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, shown, first.headers["etag"])


async def test_what_is_kept_is_sealed(host):
    await work(host)

    assert CANARY not in str(await kept(host))


async def test_an_answer_that_is_too_large_is_given_once_and_the_work_not_done_again(host, probe):
    first = await work(host, size=ANSWER_MAX_BYTES)
    again = await work(host, size=ANSWER_MAX_BYTES)

    assert (first.status_code, len(first.content) > ANSWER_MAX_BYTES) == (201, True)
    assert (again.status_code, again.json()["code"], probe.carried_out) == (409, "answer_not_kept", ["work"])


async def test_what_a_process_that_is_gone_held_is_carried_out_again_if_it_is_the_same(host, probe):
    await work(host)
    await host.admin.execute(
        "update pideai_host.kept_answers set status = null, answer = null, held_until = now() - interval '1 second'"
    )

    assert (await work(host, size=1)).status_code == 422
    assert ((await work(host)).status_code, probe.carried_out) == (201, ["work", "work"])


async def test_what_comes_late_does_not_replace_what_another_process_keeps(host, probe):
    probe.may_go.clear()
    late = asyncio.create_task(work(host))
    await probe.begun.wait()
    await host.admin.execute("update pideai_host.kept_answers set holder = gen_random_uuid(), status = 202")
    probe.may_go.set()

    assert (await late).status_code == 201
    assert [row[7] for row in await kept(host)] == [202]


async def test_after_a_day_a_key_is_free(host, probe, pool):
    await work(host)
    await host.admin.execute("update pideai_host.kept_answers set begun_at = now() - interval '25 hours'")
    await work(host, size=1)
    [row] = await kept(host)

    assert probe.carried_out == ["work", "work"]
    await Pruning(pool, retention_days=90).run()
    assert await kept(host) == [row]
    await host.admin.execute("update pideai_host.kept_answers set begun_at = now() - interval '25 hours'")
    await Pruning(pool, retention_days=90).run()
    assert await kept(host) == []


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
async def test_what_can_be_no_key_is_refused(host, probe, key):
    answer = await host.ask("POST", "/probe/work", json={}, headers={"idempotency-key": key.encode()})

    assert (answer.status_code, answer.json()["code"], probe.carried_out) == (400, "bad_request", [])


async def test_a_key_is_heard_with_a_post_only(host):
    for _ in range(2):
        assert (await host.ask("DELETE", "/plugins/nothing-here", headers=keyed("k"))).status_code == 404
    assert await kept(host) == []
