"""`pideai-host doctor` says of each thing that can be wrong what it is and what to do, in one line each."""

import json
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace
from tests.collector import Collector

from pideai_host.api import PluginDefinition, PluginType, hookimpl
from pideai_host.cli.checkup.findings import Level
from pideai_host.cli.doctor import look
from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.records import LoadRecord, Phase, Status
from pideai_host.plugins.registry import Registry, new_manager
from pideai_host.settings import Settings
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.stores.secrets import Sealer


class Courier:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="courier", name="Courier", version="1", type=PluginType.DELIVERY, subscribed_events=("order.created",)
        )

    @hookimpl
    async def handle_event(self):
        return None


REGISTRY = Registry.of({"courier": Courier()})


@pytest.fixture
async def store_id(admin_conn):
    """A store in a database whose catalogue and lanes are as the loaded plugin wants them."""
    await sync_catalogue(admin_conn, REGISTRY.definitions.values())
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="first-store", name="First")


@pytest.fixture
def settings(database):
    return Settings(
        database_url=database.runtime_url,
        admin_database_url=database.admin_url,
        embedded=False,
        master_keys=(("k1", b"k" * 32),),
        webhook_secrets=("0123456789abcdef",),
        jwks_url=None,
        token_checks=frozenset({"shared_secret"}),
        jwt_issuer="https://project.test/auth/v1",
    )


@pytest.fixture
def owner(database):
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def well(owner, store_id):
    """Processes that live, and a door."""
    owner.execute(
        """insert into pideai_host.processes
          (id, host, pid, version, takes_events, makes_deliveries, leads, quarantined)
        values (%s, 'a-host', 1, '0.1.0', true, true, true, '{}')""",
        (uuid4(),),
    )
    owner.execute(
        "create trigger one after insert on public.orders for each row execute function pideai_host.capture_change()"
    )
    return store_id


def told(settings, registry=REGISTRY, *, at_least=Level.WARNING):
    levels = list(Level)
    found = look(settings, registry)
    return [one for one in found if levels.index(one.level) >= levels.index(at_least)]


def the(settings, about, registry=REGISTRY):
    """The one finding about something that is not well."""
    [found] = [one for one in told(settings, registry) if one.about == about]
    assert found.hint
    assert "\n" not in found.said
    return found


def test_nothing_is_wrong_with_what_is_well(settings, well):
    assert told(settings) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:hidden@127.0.0.1:1/shop", "does not answer"),
        ("postgresql://u:hidden@aws.pooler.supabase.com:6543/postgres", "DATABASE_URL leads to a transaction pooler"),
        ("mysql://u:hidden@host/shop", "DATABASE_URL is not a PostgreSQL URL"),
    ],
)
def test_a_database_that_cannot_be_used(settings, url, said):
    found = the(replace(settings, database_url=url), "database")

    assert (found.level, said in found.said, "hidden" in found.said) == (Level.FAULT, True, False)


def test_the_owner_s_own_url_is_tried_as_well(settings, well):
    away = replace(settings, admin_database_url="postgresql://u:hidden@127.0.0.1:1/shop")

    assert "does not answer" in the(away, "migrations").said


def test_working_as_the_owner(settings, well):
    assert "past row security" in the(replace(settings, database_url=settings.admin_database_url), "database").said


def test_an_empty_database(settings, bare_database):
    empty = replace(settings, database_url=bare_database.runtime_url, admin_database_url=bare_database.admin_url)

    assert "pgmq is not installed" in the(empty, "queue").said
    assert "wait to be applied" in the(empty, "migrations").said
    assert "lacks" in the(empty, "tables").said


def test_migrations_that_wait(settings, well, owner):
    owner.execute("delete from pideai_host.migrations where migration_id like '%prune%'")

    found = the(settings, "migrations")
    assert ("1 wait" in found.said, "pideai-host migrate" in found.hint) == (True, True)


def test_a_process_that_knows_the_runtime_role_alone(settings, well):
    alone = replace(settings, admin_database_url=settings.database_url)

    assert told(alone) == []


def test_migrations_that_wait_are_seen_by_the_runtime_role_alone(settings, well, owner):
    owner.execute("delete from pideai_host.migrations where migration_id like '%prune%'")

    found = the(replace(settings, admin_database_url=settings.database_url), "migrations")
    assert ("1 wait" in found.said, "pideai-host migrate" in found.hint) == (True, True)


def test_files_that_another_tool_applied_leave_nothing_to_read(settings, well, owner):
    owner.execute("drop table pideai_host.migrations")

    assert told(replace(settings, admin_database_url=settings.database_url)) == []


def test_a_plugin_that_nobody_synced(settings, well):
    class Other(Courier):
        @hookimpl
        def plugin_definition(self):
            return replace(super().plugin_definition(), slug="other")

    both = Registry.of({"courier": Courier(), "other": Other()})

    assert "other cannot be installed" in the(settings, "catalogue", both).said
    assert "pideai_other, pideai_other__bulk" in the(settings, "lanes", both).said


def test_a_plugin_that_does_not_load(settings, well):
    record = LoadRecord(
        slug="bad", distribution="acme-bad", version="2", source="", phase=Phase.IMPORT, status=Status.BROKEN,
        error="ModuleNotFoundError: No module named 'acme'",
    )  # fmt: skip
    registry = Registry(new_manager(), {}, [record])

    found = the(settings, "plugin", registry)
    assert found.said == "bad (of acme-bad 2) is broken, at import: ModuleNotFoundError: No module named 'acme'"


def test_a_plugin_whose_own_tables_are_behind(settings, well, monkeypatch):
    async def left_out(registry, _pool):
        record = LoadRecord(
            slug="courier", distribution="acme-courier", version="1", source="", phase=Phase.MIGRATIONS,
            status=Status.BROKEN, error="courier: 002_more is not applied",
        )  # fmt: skip
        return Registry(new_manager(), {}, [record])

    monkeypatch.setattr("pideai_host.cli.doctor.without_unmigrated", left_out)

    found = the(settings, "plugin")
    assert found.said == "courier (of acme-courier 1) is broken, at migrations: courier: 002_more is not applied"


def test_workers_none_of_which_leads(settings, well, owner):
    owner.execute("update pideai_host.processes set leads = false")
    assert [one for one in told(settings) if one.about == "workers"] == []
    owner.execute("update pideai_host.processes set started_at = now() - interval '1 minute'")

    assert "no worker leads" in the(settings, "workers").said


@pytest.mark.parametrize("registry", [Registry.of({})])
def test_no_plugins(settings, well, registry):
    assert "none is loaded" in the(settings, "plugins", registry).said


def test_keys_that_are_missing(settings, well):
    assert "PIDEAI_MASTER_KEYS is not set" in the(replace(settings, master_keys=()), "keys").said


def test_a_key_that_seals_and_is_gone(settings, well, owner):
    sealed = Sealer([("old", b"o" * 32)]).seal("whsec_canary", well, "courier", "webhook_secret")
    owner.execute(
        "insert into public.store_plugins (store_id, plugin_id, webhook_secret) select %s, id, %s from public.plugins",
        (well, sealed),
    )

    found = the(settings, "keys")
    assert (found.level, "sealed with key old" in found.said) == (Level.FAULT, True)


def test_users_that_nobody_can_check(settings, well):
    nobody = replace(settings, jwt_issuer=None)

    assert "SUPABASE_URL is not set" in the(nobody, "users").said


def test_signing_keys_that_are_away(settings, well):
    away = replace(settings, token_checks=frozenset({"jwks"}), jwks_url="http://127.0.0.1:1/jwks.json")

    assert "cannot be read: ConnectError" in the(away, "users").said


def test_signing_keys_that_are_none(settings, well):
    with Collector() as other:
        found = the(replace(settings, token_checks=frozenset({"jwks"}), jwks_url=f"{other.base}/jwks.json"), "users")

    assert "are no key set (status 501)" in found.said


def test_a_webhook_that_nobody_gets_in_by(settings, well):
    assert "gets 401" in the(replace(settings, webhook_secrets=()), "webhook").said


def test_a_collector_that_is_away(settings, well):
    away = replace(settings, traces_endpoint="http://127.0.0.1:1/v1/traces")

    assert "127.0.0.1:1 does not answer" in the(away, "traces").said


def test_no_worker(settings, well, owner):
    owner.execute("update pideai_host.processes set seen_at = now() - interval '2 minutes'")

    found = the(settings, "workers")
    assert (found.level, "pideai-host worker" in found.hint) == (Level.FAULT, True)


def test_a_plugin_that_no_worker_serves(settings, well, owner):
    owner.execute("insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", (well,))
    assert told(settings) == []
    owner.execute("update pideai_host.processes set plugins = '{another}'")

    found = the(settings, "plugin")
    assert (found.level, "courier is enabled in a store, and no worker" in found.said) == (Level.FAULT, True)


def test_a_job_that_fails(settings, well, owner):
    owner.execute(
        """insert into pideai_host.plugin_jobs (plugin, job, interval_s, began_at, outcome, error, failures)
        values ('courier', 'sweep', 60, now(), 'failed', 'ConnectError: away', 3),
               ('courier', 'rest', 60, now(), 'ok', null, 0)"""
    )

    assert the(settings, "jobs").said == "courier: its job sweep failed, 3 times in a row: ConnectError: away"


def test_no_door(settings, well, owner):
    owner.execute("drop trigger one on public.orders")

    assert "nothing tells of orders but the sweep" in the(settings, "doors").said


def test_a_lane_that_piles_up(settings, well, owner):
    owner.execute(
        """insert into pideai_host.lane_depths (lane, ready, claimed, oldest_at, is_capped)
        values ('pideai_courier', 40, 0, now() - interval '1 hour', false)"""
    )

    assert "pideai_courier: 40 are ready, the oldest for 36" in the(settings, "lanes").said


def test_a_plugin_that_all_leave_alone(settings, well, owner):
    owner.execute(
        """insert into pideai_host.plugin_quarantines (plugin, reason, since, until, cool_down_s)
        values ('courier', 'it ends workers', now(), now() + interval '1 hour', 900)"""
    )

    found = the(settings, "plugin")
    assert ("it ends workers" in found.said, "plugins release courier" in found.hint) == (True, True)


def test_why_deliveries_fail(settings, well, owner):
    owner.execute("insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", (well,))
    for status, error in (("failed", "Evolution refuses the key"), ("pending", "Evolution refuses the key")) * 2:
        owner.execute(
            """insert into public.plugin_events_log
              (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status,
               response_code, error_message, processed_at)
            select %s, %s, sp.plugin_id, 'order.created', sp.id, %s, now(), 'pideai_courier', %s, 401, %s, now()
            from public.store_plugins sp""",
            (uuid4(), well, uuid4(), status, error),
        )

    said = sorted(one.said for one in told(settings) if one.about == "deliveries")
    assert said == [
        "courier: 2 in 1 stores failed within an hour (status 401): Evolution refuses the key",
        "courier: 2 in 1 stores to be tried again (status 401): Evolution refuses the key",
    ]


def test_what_was_set_aside(settings, well, owner):
    owner.execute(
        "insert into pideai_host.quarantine (door, reason, detail, body) values ('webhook', 'bad_row', 'x', '')"
    )

    assert "1 changes of a day were not understood, the last: bad_row" in the(settings, "quarantine").said


def test_an_embedded_database_that_is_not_there_yet_is_not_made(open_dir):
    found = look(Settings(embedded=True, data_dir=open_dir / "data"), REGISTRY)

    assert next(one.said for one in found if one.about == "database").endswith("has no database yet")
    assert not (open_dir / "data").exists()


def test_the_command_ends_with_1_and_writes_json(environ):
    run = subprocess.run(
        [sys.executable, "-m", "pideai_host", "doctor", "--json", "--worker"],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    found = json.loads(run.stdout)
    assert (run.returncode, run.stderr) == (1, "")
    assert {"level": "fault", "about": "workers"}.items() <= next(
        one for one in found if one["about"] == "workers"
    ).items()


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hidden@host/shop", "error: DATABASE_URL is not a PostgreSQL URL"),
        ("postgresql://u:hidden@aws.pooler.supabase.com:6543/x", "error: DATABASE_URL leads to a transaction pooler"),
    ],
)
def test_what_starts_says_it_in_one_line_as_well(environ, command, url, said):
    environ |= {"DATABASE_URL": url, "SUPABASE_URL": "http://127.0.0.1:9", "PIDEAI_LOG_LEVEL": "error"}
    run = subprocess.run(
        [sys.executable, "-m", "pideai_host", command],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (run.returncode, run.stderr.splitlines()[0]) == (1, said)
    assert run.stderr.splitlines()[1].startswith("hint: ")
    assert len(run.stderr.splitlines()) == 2
