"""The description of the API tells of every operation who may call it, what it is called and how it fails."""

import re

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from pideai_host.stores.wire import InstallOut
from pideai_host.web import event_examples, event_models, operator_examples, operator_models
from pideai_host.web.audit_models import AuditEntryOut, OperatorAuditEntryOut
from pideai_host.web.described import METHODS, printed
from pideai_host.web.document import host_document
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
    NOTICE,
    OPERATOR_AUDIT_ENTRY,
    PLUGIN,
    PREVIEW,
    REPLAY,
    REPLAYED_DELIVERY,
    REPLAYED_EVENT,
    STATE_CHANGE,
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
from pideai_host.web.models import BreakerOut, CreditsOut, LedgerEntryOut, NoticeOut, PluginOut, StateChangeOut
from pideai_host.web.openapi import KEYED
from pideai_host.web.problems import MEDIA_TYPE, TABLE
from pideai_host.web.routes.webhooks import Accepted

ROOT = "document"


@pytest.fixture(scope="module")
def document():
    return host_document()


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


def test_it_is_valid(document):
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_same_api_is_the_same_text(document):
    assert printed(host_document()) == printed(document)


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
        if status >= "400" and status != "default" and path != "/health/ready"
        for content in [response["content"]]
    ]

    assert errors
    assert [(path, status) for path, status, content in errors if list(content) != [MEDIA_TYPE]] == []


def test_every_parameter_is_described(operations):
    """By its handler, or for all operations in `pideai_host.web.described`."""
    lacking = [
        (operation["operationId"], one["name"])
        for _, operation in operations
        for one in operation.get("parameters", ())
        if not one.get("description")
    ]

    assert lacking == []


def test_what_a_struct_s_docstring_says_of_its_fields_is_told(document):
    taken = document["components"]["schemas"]["NewInstallation"]

    assert taken["description"].startswith("Which plugin to install, and how.")
    assert (taken["required"], taken["properties"]["slug"]["deprecated"]) == (["plugin"], True)
    assert taken["properties"]["priority"]["description"] == "Lower comes first."


def test_every_operation_is_tagged_and_summed_up(operations):
    assert all(operation["tags"] and operation["summary"] for _, operation in operations)


def test_the_body_of_a_database_change_is_described(document):
    body = document["paths"]["/webhooks/supabase"]["post"]["requestBody"]["content"]["application/json"]

    assert body["schema"]["required"] == ["type", "table", "record"]


def test_every_schema_in_use_has_a_name_and_no_enumeration_is_without_one(document):
    inline = [
        (name, field)
        for name, schema in document["components"]["schemas"].items()
        for field, inner in schema.get("properties", {}).items()
        if "enum" in inner
    ]

    assert inline == []


def test_what_is_null_in_an_answer_is_told_as_a_type_and_no_parameter_is_null(document, operations):
    parameters = [one for _, operation in operations for one in operation.get("parameters", ())]

    assert document["components"]["schemas"]["PluginOut"]["properties"]["description"]["type"] == ["string", "null"]
    assert [one["name"] for one in parameters if "null" in str(one["schema"])] == []


def test_every_field_that_an_answer_always_holds_is_required(document):
    schemas = document["components"]["schemas"]

    assert set(schemas["ListedInstallation"]["properties"]) - set(schemas["ListedInstallation"]["required"]) == {
        "webhook_secret"
    }
    assert set(schemas["Problem"]["properties"]) - set(schemas["Problem"]["required"]) == {
        "hint",
        "faults",
        "plugin",
        "reason",
    }


def test_a_problem_names_the_codes_that_this_operation_can_have(document, operations):
    told = {
        operation["operationId"]: answer["content"][MEDIA_TYPE]["schema"]["allOf"][1]["properties"]["code"]["enum"]
        for _, operation in operations
        for status, answer in operation["responses"].items()
        if status == "409"
    }

    assert document["components"]["schemas"]["ProblemCode"]["enum"] == sorted(TABLE)
    assert "replays_busy" in told["beginReplay"]
    assert "replays_busy" not in told["cancelReplay"]


def test_all_lists_have_their_entries_in_items_and_pages_their_next_cursor(document):
    lists = {
        name: set(schema["properties"])
        for name, schema in document["components"]["schemas"].items()
        if name.endswith(("List", "Page"))
    }

    assert lists
    assert {name for name, fields in lists.items() if "items" not in fields} == set()
    assert {name for name, fields in lists.items() if name.endswith("Page") and "next_cursor" not in fields} == set()


def test_every_name_in_the_api_is_snake_case(document, operations):
    names = {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})} | {
        one["name"] for _, operation in operations for one in operation.get("parameters", ()) if one["in"] != "header"
    }

    assert [name for name in sorted(names) if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is None] == []


def test_every_operation_with_a_json_body_says_how_it_refuses_one(operations):
    lacking = [
        operation["operationId"]
        for path, operation in operations
        if path.startswith("/api/") and "application/json" in operation.get("requestBody", {}).get("content", {})
        if not {"400", "413", "415"} <= operation["responses"].keys()
    ]

    assert lacking == []


def test_what_creates_tells_where(operations):
    made = {
        operation["operationId"]
        for _, operation in operations
        for answer in operation["responses"].values()
        if "Location" in answer["headers"]
    }

    assert made == {"installStorePlugin", "beginReplay", "replayDelivery"}
    assert {one["operationId"] for _, one in operations if "201" in one["responses"]} <= made


def test_every_json_body_has_an_example(operations):
    """A new operation with a body has one in `pideai_host.web.examples.REQUESTS`."""
    lacking = [
        operation["operationId"]
        for _, operation in operations
        for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and not body.get("examples")
    ]

    assert lacking == []


def test_every_example_is_valid_by_its_schema(document, operations):
    registry = Registry().with_resource(ROOT, Resource(document, DRAFT202012))
    bodies = [
        (operation["operationId"], body)
        for _, operation in operations
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for body in part.get("content", {}).values()
    ]
    faults = []
    for name, body in bodies:
        schema = _absolute(body.get("schema", {}))
        for example in body.get("examples", {}).values():
            found = example
            if "$ref" in example:
                found = document["components"]["examples"][example["$ref"].rpartition("/")[2]]
            validator = Draft202012Validator(schema, registry=registry)
            faults += [(name, error.message) for error in validator.iter_errors(found["value"])]

    assert faults == []


def _absolute(part):
    if isinstance(part, list):
        return [_absolute(one) for one in part]
    if isinstance(part, dict):
        return {key: f"{ROOT}{value}" if key == "$ref" else _absolute(value) for key, value in part.items()}
    return part


def test_the_page_and_the_document_are_served(client_of, document):
    client = client_of()

    assert client.get("/docs").status_code == 200
    assert client.get("/docs/openapi.json").json()["paths"] == document["paths"]


def test_the_page_needs_nothing_but_the_host(client_of):
    client = client_of()
    needed = re.findall(r'(?:src|href)="([^"]+)"', client.get("/docs").text)
    styles = [client.get(one).text for one in needed if one.endswith(".css")]

    assert {one for one in needed if not one.startswith(("/docs/", "data:"))} == set()
    assert [one for one in needed if one.startswith("/") and client.get(one).status_code != 200] == []
    assert [url for style in styles for url in re.findall(r"url\(\W?(?!data:)\w[^)]*", style)] == []


def test_no_script_or_style_stands_within_the_page(client_of):
    page = client_of().get("/docs").text

    assert re.findall(r"<script(?! src=)|<style|style=|\bon[a-z]+=", page) == []


def test_a_file_that_is_none_of_the_page_s_is_not_served(client_of):
    assert client_of().get("/docs/assets/README.md").status_code == 404


@pytest.mark.parametrize(
    ("example", "model"),
    [
        (PLUGIN, PluginOut),
        (operator_examples.LOAD_RECORD, operator_models.LoadRecordOut),
        (operator_examples.QUARANTINED_PLUGIN, operator_models.QuarantinedPluginOut),
        (event_examples.EVENT_TYPE, event_models.EventTypeOut),
        (event_examples.TRIED, event_models.TestOut),
        (operator_examples.LANE, operator_models.LaneOut),
        (operator_examples.WAITING_CONFIG, operator_models.WaitingConfigOut),
        (operator_examples.PROCESS, operator_models.ProcessOut),
        (operator_examples.OPEN_BREAKER, operator_models.OpenBreakerOut),
        (operator_examples.UNTAKEN, operator_models.UntakenOut),
        (operator_examples.KEPT_BODY, operator_models.KeptBodyOut),
        (operator_examples.KEPT_BODY_WHOLE, operator_models.KeptBodyWholeOut),
        (operator_examples.FED, operator_models.FedOut),
        (AUDIT_ENTRY, AuditEntryOut),
        (OPERATOR_AUDIT_ENTRY, OperatorAuditEntryOut),
        (INSTALLATION, InstallOut),
        (STATE_CHANGE, StateChangeOut),
        (BREAKER, BreakerOut),
        (BREAKER_CLOSED, BreakerOut),
        (CREDITS, CreditsOut),
        (LEDGER_ENTRY, LedgerEntryOut),
        (NOTICE, NoticeOut),
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
        content
        for path, operation in operations
        if path.startswith("/api/")
        for status, answer in operation["responses"].items()
        if status in {"200", "201", "202"}
        for content in answer["content"].values()
    ]

    assert all(content["examples"] for content in good)
