"""docs/openapi.json is the description of the API that this code has, with the routes of this workspace's plugins."""

from pideai_host.plugins.registry import load_registry
from pideai_host.web.described import printed
from pideai_host.web.document import host_document

WORKSPACE = ("whatsapp", "webhook-bridge")


def test_the_committed_document_is_the_one_of_this_code(page):
    committed = page("docs/openapi.json").text

    assert committed == printed(host_document(load_registry(WORKSPACE))), (
        "the API has changed: refresh its document with `make openapi` and commit docs/openapi.json"
    )
