"""A context is bound to one store and plugin, gives out secrets without showing them, and collects what is emitted."""

from decimal import Decimal
from uuid import UUID, uuid5

import msgspec
import pytest
import structlog

from pideai_host.api import DeliveryInfo, Installation, PaymentPayload, PluginFault
from pideai_host.stores.context import EMITTED_MAX, EMITTED_MAX_BYTES, ContextFactory, Emitted
from pideai_host.stores.opened import seal_value
from pideai_host.stores.secrets import SecretUnreadable

DELIVERY = DeliveryInfo(id=UUID(int=9), attempt=2)
PAYMENT = PaymentPayload(payment_id="p1", amount=Decimal(1), currency="USD")


@pytest.fixture
def make(sealer, stored):
    """Make a context with sealed values and an environment; what needs a database has none."""

    def _make(values=None, environ=None, *, delivery=DELIVERY):
        sealed = {field: seal_value(sealer, stored, field, value) for field, value in (values or {}).items()}
        factory = ContextFactory(None, "the client", sealer, environ or {}, supabase="the service client")
        return factory.make(msgspec.structs.replace(stored, sealed=sealed), delivery)

    return _make


async def test_secrets_open_as_what_they_were(make):
    secrets = make({"webhook_secret": "whsec_x", "/key": "k-value", "/ids": [1, 2]}).secrets

    assert await secrets.get("webhook_secret") == "whsec_x"
    assert await secrets.get("/key") == "k-value"
    assert await secrets.get("/ids") == "[1,2]"
    assert await secrets.get("/absent") is None


async def test_a_secret_of_another_field_does_not_open(make, stored):
    context = make({"/key": "k-value"})
    moved = msgspec.structs.replace(stored, sealed={"/other": context._stored.sealed["/key"]})

    with pytest.raises(SecretUnreadable):
        await ContextFactory(None, None, context._factory.sealer, {}).make(moved, None).secrets.get("/other")


def test_operator_secrets_come_from_the_plugins_own_names(make):
    secrets = make(environ={"PIDEAI_PLUGIN_PAGO_MOVIL_API_KEY": "value", "PIDEAI_PLUGIN_PAGO_MOVIL_EMPTY": ""}).secrets

    assert secrets.operator("api_key") == "value"
    assert secrets.operator("api-key") == "value"
    assert secrets.operator("empty") is None
    assert secrets.operator("absent") is None


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65])
def test_an_unfit_name_of_an_operator_secret_is_the_plugins_fault(make, name):
    with pytest.raises(PluginFault):
        make().secrets.operator(name)


async def test_values_that_were_given_out_are_redacted_and_never_in_a_repr(make):
    context = make({"/key": "canary-one", "/pin": "12"}, {"PIDEAI_PLUGIN_PAGO_MOVIL_K": "canary-two"})
    await context.secrets.get("/key")
    await context.secrets.get("/pin")
    context.secrets.operator("k")

    assert context.opened_secrets
    assert context.redact("a canary-one, a canary-two, 12") == "a [secret], a [secret], 12"
    assert context.redact(None) is None
    assert "canary" not in repr(context) + repr(context.secrets) + repr(context._stored)


def test_a_context_that_gave_out_no_secret_redacts_nothing(make):
    context = make({"/key": "canary-one"})

    assert not context.opened_secrets
    assert context.redact("canary-one") == "canary-one"


def test_a_plugin_may_change_its_copy_of_the_configuration(make, stored):
    make().config["mode"] = "changed"

    assert stored.config == {"mode": "test"}


def test_it_tells_what_it_is_for(make, stored):
    context = make()

    assert (context.store_id, context.plugin, context.delivery) == (stored.store_id, "pago-movil", DELIVERY)
    assert context.installation == Installation(id=stored.id, store_id=stored.store_id, plugin="pago-movil")
    assert (context.http, context.supabase) == ("the client", "the service client")


def test_the_log_is_bound(make, stored):
    bound = structlog.get_context(make().log)

    assert bound["store_id"] == str(stored.store_id)
    assert bound["plugin"] == "pago-movil"
    assert (bound["delivery"], bound["attempt"]) == (str(DELIVERY.id), "2")


def test_an_emitted_event_has_the_same_id_on_every_attempt(make):
    first, second = make(), make(delivery=DeliveryInfo(id=DELIVERY.id, attempt=3))

    event_id = first.emit("payment.initiated", PAYMENT, key="p1")

    assert event_id == second.emit("payment.initiated", PAYMENT, key="p1") == uuid5(DELIVERY.id, "p1")
    assert first.emitted == [Emitted(event_id, "payment.initiated", PAYMENT)]


def test_a_key_used_twice_replaces_the_first(make):
    context = make()
    context.emit("courier.called", {"n": 1}, key="a")
    context.emit("courier.called", {"n": 2}, key="a")

    assert [one.payload for one in context.emitted] == [{"n": 2}]


@pytest.mark.parametrize(
    ("event_type", "payload", "key"),
    [
        ("order.created", {}, "k"),
        ("cart.abandoned", {}, "k"),
        ("payment.initiated", {"paymentId": "p1"}, "k"),
        ("courier.called", PAYMENT, "k"),
        ("courier.called", {"at": object()}, "k"),
        ("courier.called", {"x": "x" * EMITTED_MAX_BYTES}, "k"),
        ("Courier", {}, "k"),
        ("courier." + "x" * 100, {}, "k"),
        ("courier.called", {}, ""),
        ("courier.called", {}, "k" * 201),
    ],
    ids=[
        "the host's type", "the host's cart", "a dict for a struct", "a struct for a dict", "not JSON", "too large",
        "no type", "long type", "no key", "long key",
    ],
)  # fmt: skip
def test_what_may_not_be_emitted_is_the_plugins_fault_and_not_kept(make, event_type, payload, key):
    context = make()

    with pytest.raises(PluginFault):
        context.emit(event_type, payload, key=key)
    assert context.emitted == []


def test_the_number_of_emitted_events_is_bounded(make):
    context = make()
    for n in range(EMITTED_MAX):
        context.emit("courier.called", {}, key=str(n))

    with pytest.raises(PluginFault):
        context.emit("courier.called", {}, key="one more")
    context.emit("courier.called", {}, key="0")


def test_outside_of_a_delivery_nothing_is_emitted(make):
    with pytest.raises(PluginFault):
        make(delivery=None).emit("courier.called", {}, key="k")


def test_parts_are_made_once(make):
    context = make()

    for part in ("credits", "storage", "db", "secrets", "config"):
        assert getattr(context, part) is getattr(context, part)
