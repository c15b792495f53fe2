"""`pideai-host credits`, as an operator calls it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store


@pytest.fixture
async def store(admin_conn):
    await admin_conn.execute(
        """insert into public.plugins (slug, name, type)
        values ('courier', 'Courier', 'delivery'), ('whatsapp', 'WhatsApp', 'notification')
        on conflict do nothing"""
    )
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="la-esquina", name="La Esquina")


@pytest.fixture
def call(database):
    """Call the command in a process of its own; answer its exit code and what it said."""

    async def _call(*words, url=database.runtime_url):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pideai_host", "credits", *words,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
            stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    return _call


async def test_a_grant_is_made_once_and_shown(call, store):
    first = await call("grant", "la-esquina", "courier", "--extra", "20", "--key", "invoice-7")
    again = await call("grant", str(store), "courier", "--extra", "20", "--key", "invoice-7")
    _, shown, _ = await call("show", "la-esquina", "courier", "--json")
    told = json.loads(shown)

    assert first == (0, "Granted: 20 extra. Available for courier after it: 20.\n", "")
    assert again == (0, "Granted before: 20 extra. Available for courier after it: 20.\n", "")
    assert (told["credits"][0]["available"], [one["reference"] for one in told["ledger"]]) == (20, ["invoice-7"])


async def test_all_accounts_of_a_store_are_listed(call, store):
    await call("grant", "la-esquina", "whatsapp", "--monthly", "10", "--key", "k")
    _, shown, _ = await call("show", "la-esquina")

    assert [word for word in shown.split() if word in ("whatsapp", "60")][:2] == ["whatsapp", "60"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["show", "nobody"], 1, "error: there is no store 'nobody'"),
        (["show", "la-esquina", "No Slug"], 2, "error: "),
        (["show", "la-esquina", "nope"], 1, "error: there is no plugin 'nope' in the catalogue\nhint: "),
        (
            ["grant", "la-esquina", "nope", "--extra", "1", "--key", "k"],
            1,
            "error: there is no plugin 'nope' in the cat",
        ),
        (["grant", "la-esquina", "courier", "--key", "k"], 2, "error: one of --monthly and --extra is needed"),
        (["grant", "la-esquina", "courier", "--extra", "1", "--monthly", "1", "--key", "k"], 2, "error: one of"),
        (
            ["grant", "la-esquina", "courier", "--extra", "0", "--key", "k"],
            1,
            "error: a grant gives or takes 1 to 1,000,000 credits",
        ),
        (["grant", "la-esquina", "courier", "--extra", "-1", "--key", "k"], 1, "error: 1 extra credits cannot"),
    ],
)
async def test_what_cannot_be_done_is_a_line(call, words, code, told):
    answered, _, err = await call(*words)

    assert answered == code
    assert err.startswith(told)


async def test_a_missing_migration_is_told(bare_database, call):
    _, _, err = await call("show", "x", url=bare_database.admin_url)

    assert "hint: Run `pideai-host migrate` first." in err
