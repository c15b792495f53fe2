"""docs/metrics.md is what the registry has."""

from pideai_host.telemetry.page import page as written


def test_the_page_is_the_registry_s(page):
    assert page("docs/metrics.md").text == written(), "the metrics have changed: `make metrics`, and commit the page"
