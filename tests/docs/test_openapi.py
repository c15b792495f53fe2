"""docs/openapi.json is the description of the API that this code has."""

from pideai_host.web.described import printed
from pideai_host.web.document import host_document


def test_the_committed_document_is_the_one_of_this_code(page):
    committed = page("docs/openapi.json").text

    assert committed == printed(host_document()), (
        "the API has changed: refresh its document with `make openapi` and commit docs/openapi.json"
    )
