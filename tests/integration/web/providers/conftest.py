"""A plugin whose provider calls, and what of the database a test looks at."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from pideai_host.api import (
    Limits,
    PaymentPayload,
    PluginDefinition,
    PluginType,
    WebhookReply,
    WebhookRequest,
    hookimpl,
)

PAID = PaymentPayload(payment_id="p-1", amount=12, currency="USD", order_id=UUID(int=7))
DOOR = "/webhooks/plugins/probe"


class Probe:
    """A plugin whose webhook hooks do what a test tells them."""

    def __init__(self) -> None:
        self.answer: Any = WebhookReply()
        self.route: Any = []
        self.seen: list[tuple[WebhookRequest, UUID]] = []
        self.asked: list[WebhookRequest] = []

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.PAYMENT,
            subscribed_events=("payment.completed",),
            limits=Limits(timeout_s=0.5),
        )

    @hookimpl
    async def handle_event(self) -> None:
        """Deal with nothing."""

    @hookimpl
    async def route_webhook(self, request, lookup):
        self.asked.append(request)
        return await self.route(lookup) if callable(self.route) else self.route

    @hookimpl
    async def handle_webhook(self, request, config, context):
        self.seen.append((request, context.store_id))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return await self.answer(context) if callable(self.answer) else self.answer


class Bare:
    """A plugin that takes no calls."""

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(slug="bare", name="Bare", version="1", type=PluginType.PAYMENT, subscribed_events=())


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
async def host(hosted, probe, operator):
    operator["PIDEAI_PLUGIN_PROBE_KEY"] = "operator-secret"
    return await hosted({"probe": probe, "bare": Bare()})


@pytest.fixture
def rows(admin_conn):
    async def fetch(sql, *parameters):
        return await (await admin_conn.execute(sql, parameters or None)).fetchall()

    return fetch


@pytest.fixture
def log_row(host, admin_conn):
    """Put a delivery of the probe into the log; return its id."""

    async def put(status, *, store_id=None, slug="probe"):
        delivery_id = uuid4()
        await admin_conn.execute(
            """insert into public.plugin_events_log
                 (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status)
               select %s, %s, p.id, 'payment.completed', gen_random_uuid(), gen_random_uuid(), now(), 'pideai_probe', %s
               from public.plugins p where p.slug = %s""",
            (delivery_id, store_id or host.store_id, status, slug),
        )
        return delivery_id

    return put


@pytest.fixture
def delivery(rows):
    async def read(delivery_id):
        [row] = await rows(
            "select status, error_message, data, receipt, history, processed_at is not null"
            " from public.plugin_events_log where id = %s",
            delivery_id,
        )
        return row

    return read


async def emit(context):
    context.emit("payment.completed", PAID, key="p-1")
    return WebhookReply(status=200, body=b"OK")


def settles(delivery_id, result):
    async def settle(context):
        context.deliveries.settle(delivery_id, result)
        return WebhookReply()

    return settle


async def _statuses(host):
    return await (await host.admin.execute("select status from public.plugin_events_log")).fetchall()
