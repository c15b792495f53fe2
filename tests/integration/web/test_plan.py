"""A plugin that names a module is for stores whose plan has it: PideAI's own word, where there is one."""

from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import sql

from pideai_host.api import PluginDefinition, PluginType
from pideai_host.db.dev import create_demo_store
from pideai_host.web.auth import User
from pideai_host.web.plan import ModuleNotInPlan, PlanGate


def definition(slug: str, module: str | None) -> PluginDefinition:
    return PluginDefinition(
        slug=slug, name=slug, version="1", type=PluginType.NOTIFICATION, subscribed_events=(), module=module
    )


@pytest.fixture
def plan(pool):
    return PlanGate(pool, {"chat": definition("chat", "whatsapp"), "free": definition("free", None)})


def user(user_id: UUID) -> User:
    return User(user_id, msgspec.json.encode({"sub": str(user_id), "role": "authenticated"}).decode())


@pytest.fixture
def owner():
    return user(uuid4())


@pytest.fixture
async def store_id(admin_conn, owner):
    return await create_demo_store(admin_conn, owner_id=owner.id, subdomain="la-esquina", name="La Esquina")


async def subscribe(admin_conn, store_id, **columns):
    for name, value in columns.items():
        statement = sql.SQL("update public.subscriptions set {} = %s where store_id = %s").format(sql.Identifier(name))
        await admin_conn.execute(statement, (value, store_id))


async def test_a_store_whose_plan_has_the_module_goes_on(plan, owner, store_id):
    await plan.require(owner, store_id, "chat")


@pytest.mark.parametrize(
    "columns",
    [{"enabled_modules": '{"whatsapp": false}'}, {"enabled_modules": "{}"}, {"status": "suspended"}],
    ids=["module off", "no module", "not active"],
)
async def test_a_store_whose_plan_lacks_it_is_told_which(plan, owner, store_id, admin_conn, columns):
    await subscribe(admin_conn, store_id, **columns)

    with pytest.raises(ModuleNotInPlan, match="'chat' needs the module 'whatsapp'"):
        await plan.require(owner, store_id, "chat")


async def test_what_the_operator_switches_on_counts_at_once(plan, owner, store_id, admin_conn):
    await subscribe(admin_conn, store_id, enabled_modules="{}")
    with pytest.raises(ModuleNotInPlan):
        await plan.require(owner, store_id, "chat")
    await subscribe(admin_conn, store_id, enabled_modules='{"whatsapp": true}')

    await plan.require(owner, store_id, "chat")


@pytest.mark.parametrize("slug", ["free", "not-loaded"])
async def test_who_names_no_module_is_for_every_store(plan, owner, store_id, admin_conn, slug):
    await subscribe(admin_conn, store_id, enabled_modules="{}", status="suspended")

    await plan.require(owner, store_id, slug)


async def test_a_database_that_knows_no_modules_is_not_asked(plan, owner, store_id, admin_conn):
    await admin_conn.execute("drop function public.has_module_enabled(uuid, text) cascade")

    await plan.require(owner, store_id, "chat")


async def test_the_question_is_asked_as_the_user(plan, owner, store_id, admin_conn):
    await admin_conn.execute(
        sql.SQL(
            "create or replace function public.has_module_enabled(p_store_id uuid, p_module_name text) returns boolean"
            " language sql stable as $$ select current_user = 'authenticated' and auth.uid() = {} $$"
        ).format(sql.Literal(owner.id))
    )

    await plan.require(owner, store_id, "chat")
    with pytest.raises(ModuleNotInPlan):
        await plan.require(user(uuid4()), store_id, "chat")
