"""The description of the API tells of every operation who may call it, what it is called and how it fails."""

import msgspec
import pytest
from litestar import Litestar

from pideai_host.stores.wire import InstallOut
from pideai_host.web.audit_models import AuditEntryOut, OperatorAuditEntryOut
from pideai_host.web.examples import (
    ACCEPTED,
    AUDIT_ENTRY,
    BREAKER,
    BREAKER_CLOSED,
    CREDITS,
    DELIVERY,
    DELIVERY_WHOLE,
    EVENT,
    INSTALLATION,
    LEDGER_ENTRY,
    OPERATOR_AUDIT_ENTRY,
    PLUGIN,
    PREVIEW,
    REPLAY,
    REPLAYED_DELIVERY,
    REPLAYED_EVENT,
)
from pideai_host.web.log_models import (
    DeliveryOut,
    DeliveryWholeOut,
    EventOut,
    PreviewOut,
    ReplayedDeliveryOut,
    ReplayedEventOut,
    ReplayOut,
)
from pideai_host.web.models import BreakerOut, CreditsOut, LedgerEntryOut, PluginOut
from pideai_host.web.openapi import KEYED, openapi_config
from pideai_host.web.problems import MEDIA_TYPE
from pideai_host.web.routes import routes
from pideai_host.web.routes.webhooks import Accepted

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document():
    return Litestar(routes(), openapi_config=openapi_config("0")).openapi_schema.to_schema()


@pytest.fixture(scope="module")
def operations(document):
    return [
        (path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")


def test_every_operation_has_an_id_of_its_own(operations):
    ids = [operation["operationId"] for _, operation in operations]

    assert len(set(ids)) == len(ids)


def test_everything_below_api_needs_an_owner_or_admin_and_says_how_it_refuses(operations):
    below = [operation for path, operation in operations if path.startswith("/api/")]

    assert below
    for operation in below:
        assert operation["security"] in ([{"owner": []}], [{"admin": []}])
        assert {"401", "403", "503"} <= operation["responses"].keys()


def test_every_post_below_api_takes_an_idempotency_key_and_says_how_that_refuses(document):
    posts = [item["post"] for path, item in document["paths"].items() if path.startswith("/api/") and "post" in item]

    assert posts
    for operation in posts:
        told = str(operation["responses"]["409"]) + str(operation["responses"]["422"])
        assert [one["in"] for one in operation["parameters"] if one["name"] == "Idempotency-Key"] == ["header"]
        assert all(code in told for code in KEYED), operation["operationId"]


def test_every_error_is_a_problem(operations):
    errors = [
        (path, status, content)
        for path, operation in operations
        for status, response in operation["responses"].items()
        if int(status) >= 400 and path != "/health/ready"
        for content in [response["content"]]
    ]

    assert errors
    assert [(path, status) for path, status, content in errors if list(content) != [MEDIA_TYPE]] == []


def test_every_operation_is_tagged_and_summed_up(operations):
    assert all(operation["tags"] and operation["summary"] for _, operation in operations)


def test_the_body_of_a_database_change_is_described(document):
    body = document["paths"]["/webhooks/supabase"]["post"]["requestBody"]["content"]["application/json"]

    assert body["schema"]["required"] == ["type", "table", "record"]


def test_the_page_and_the_document_are_served(client_of):
    client = client_of()

    assert client.get("/docs").status_code == 200
    assert client.get("/docs/openapi.json").json()["info"]["title"] == "PideAI plugin host"


@pytest.mark.parametrize(
    ("example", "model"),
    [
        (PLUGIN, PluginOut),
        (AUDIT_ENTRY, AuditEntryOut),
        (OPERATOR_AUDIT_ENTRY, OperatorAuditEntryOut),
        (INSTALLATION, InstallOut),
        (BREAKER, BreakerOut),
        (BREAKER_CLOSED, BreakerOut),
        (CREDITS, CreditsOut),
        (LEDGER_ENTRY, LedgerEntryOut),
        (ACCEPTED, Accepted),
        (DELIVERY, DeliveryOut),
        (DELIVERY_WHOLE, DeliveryWholeOut),
        (EVENT, EventOut),
        (REPLAYED_DELIVERY, ReplayedDeliveryOut),
        (REPLAYED_EVENT, ReplayedEventOut),
        (PREVIEW, PreviewOut),
        (REPLAY, ReplayOut),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_an_example_is_what_the_endpoint_would_send(example, model):
    sent = msgspec.json.encode(msgspec.convert(example, model))

    assert msgspec.json.decode(sent) == example


def test_every_good_answer_below_api_that_has_a_body_has_an_example(operations):
    good = [
        answer["content"]["application/json"]
        for path, operation in operations
        if path.startswith("/api/")
        for status, answer in operation["responses"].items()
        if status in {"200", "201", "202"}
    ]

    assert all(content["examples"] for content in good)
