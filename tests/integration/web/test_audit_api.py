"""The audit trail over HTTP: what requests did is told to the store's owner, and of all stores to platform admins."""

from uuid import uuid4

import pytest

from pideai_host.api import PluginDefinition, PluginType, hookimpl


class Courier:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="courier",
            name="Courier",
            version="1",
            type=PluginType.DELIVERY,
            subscribed_events=(),
            config_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}, "key": {"type": "string", "writeOnly": True}},
            },
        )


@pytest.fixture
async def host(hosted):
    made = await hosted({"courier": Courier()})
    await made.ask("DELETE", "/plugins/courier")
    await made.ask("POST", "/plugins", json={"slug": "courier", "config": {"city": "Caracas", "key": "CANARY"}})
    return made


async def lines(host, path="/audit", **more):
    answer = await host.ask("GET", path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def admin_of(host):
    admin_id = uuid4()
    await host.admin.execute("insert into auth.users (id) values (%s)", (admin_id,))
    await host.admin.execute("insert into public.platform_admins (user_id) values (%s)", (admin_id,))
    return admin_id


async def test_the_owner_reads_who_did_what(host):
    await host.ask(
        "PUT",
        "/plugins/courier",
        json={"config": {"city": "Mérida"}, "enabled": False},
        headers={"x-request-id": "r-7", "if-match": "*"},
    )

    told = await lines(host)

    assert [one["action"] for one in told] == [
        "plugin.disabled",
        "plugin.configured",
        "plugin.installed",
        "plugin.uninstalled",
    ]
    assert {one["user_id"] for one in told} == {str(host.owner_id)}
    assert told[1]["request_id"] == "r-7"
    assert told[1]["detail"]["changes"] == [{"field": "/city", "before": "Caracas", "after": "Mérida"}]
    assert "CANARY" not in str(told)


async def test_a_refused_change_leaves_no_line(host):
    before = await lines(host)

    answer = await host.ask("PUT", "/plugins/courier", json={"config": {"city": 7}}, headers={"if-match": "*"})

    assert (answer.status_code, await lines(host)) == (422, before)


async def test_a_breaker_that_is_reset_is_told(host):
    await host.admin.execute(
        """insert into pideai_host.breakers (installation_id, store_id, plugin, phase, until, openings, revision)
        select id, store_id, 'courier', 'open', now() + interval '1 hour', 1, 1 from public.store_plugins"""
    )

    await host.ask("POST", "/plugins/courier/breaker/reset")

    assert (await lines(host))[0]["action"] == "breaker.reset"


async def test_pages_follow_by_cursor(host):
    first = (await host.ask("GET", "/audit?limit=1")).json()
    second = (await host.ask("GET", f"/audit?limit=1&cursor={first['next_cursor']}")).json()

    assert [one["items"][0]["action"] for one in (first, second)] == ["plugin.installed", "plugin.uninstalled"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("query", ["cursor=x", "cursor=99999999999999999999", "action=x", "plugin=UPPER", "limit=0"])
async def test_a_wrong_question_is_the_asker_s_mistake(host, query):
    answer = await host.ask("GET", f"/audit?{query}")

    assert answer.status_code in {400, 404}


async def test_another_owner_does_not_see_it(host):
    assert (await host.ask("GET", "/audit", user_id=uuid4())).status_code == 404


async def test_an_admin_reads_all_stores_and_the_accounts_of_operators(host):
    admin_id = await admin_of(host)
    headers = {"authorization": f"Bearer {host.signer.token(admin_id)}"}

    answer = await host.client.get("/api/admin/audit?action=plugin.installed", headers=headers)

    (line,) = answer.json()["items"]
    assert (line["store_id"], line["actor_name"]) == (str(host.store_id), None)


async def test_an_owner_is_no_admin(host):
    headers = {"authorization": f"Bearer {host.signer.token(host.owner_id)}"}

    assert (await host.client.get("/api/admin/audit", headers=headers)).status_code == 403
