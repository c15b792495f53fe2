"""docs/openapi.json is the description of the API that this code has, with the routes of this workspace's plugins."""

import json

from pideai_host.plugins.registry import load_registry
from pideai_host.web.described import printed
from pideai_host.web.document import host_document

WORKSPACE = ("whatsapp", "webhook-bridge")
STORE = "/api/stores/{store_id}"
FOUNDING = {
    "/api/plugins": {"get"},
    "/api/plugins/{slug}": {"get"},
    f"{STORE}/plugins": {"get", "post"},
    f"{STORE}/plugins/{{slug}}": {"put", "delete"},
    f"{STORE}/whatsapp/connect": {"post"},
    f"{STORE}/whatsapp/status": {"get"},
    f"{STORE}/whatsapp/disconnect": {"post"},
    f"{STORE}/whatsapp/send": {"post"},
    f"{STORE}/whatsapp/messages": {"get"},
    f"{STORE}/whatsapp/credits": {"get"},
    f"{STORE}/whatsapp/templates": {"get"},
    f"{STORE}/whatsapp/templates/{{template_type}}": {"put"},
    "/webhooks/supabase": {"post"},
    "/webhooks/plugins/{slug}": {"post"},
}
"""What the founding document promises (2.3), by path."""


def test_the_committed_document_is_the_one_of_this_code(page):
    committed = page("docs/openapi.json").text

    assert committed == printed(host_document(load_registry(WORKSPACE))), (
        "the API has changed: refresh its document with `make openapi` and commit docs/openapi.json"
    )


def test_every_path_of_the_founding_document_is_there(page):
    paths = json.loads(page("docs/openapi.json").text)["paths"]

    assert {path: wanted - paths.get(path, {}).keys() for path, wanted in FOUNDING.items()} == {
        path: set() for path in FOUNDING
    }
