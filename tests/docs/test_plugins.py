"""docs/plugins.md is what `PluginSpec` and the outcomes are."""

import inspect

from pideai_host import api
from pideai_host.api.hooks import HOOK_NAMES, PluginSpec
from pideai_host.api.outcomes import Outcome


def _call(name: str) -> str:
    arguments = [one for one in inspect.signature(getattr(PluginSpec, name)).parameters if one != "self"]
    return f"`{name}({', '.join(arguments)})`"


def test_every_hook_has_a_heading_with_its_arguments_in_order(page):
    assert page("docs/plugins.md").headings(3) == [_call(name) for name in HOOK_NAMES]


def test_every_helper_of_the_contract_that_answers_is_listed(page, table_rows):
    helpers = {
        cells[0].strip("`").partition("(")[0] for cells in table_rows(page("docs/plugins.md").section("Outcomes"))
    }

    assert helpers == {*Outcome, "skipped"}
    assert all(callable(getattr(api, name)) for name in helpers)


def test_every_part_of_the_context_is_listed(page, table_rows):
    parts = {
        cells[0].strip("`").partition("(")[0] for cells in table_rows(page("docs/plugins.md").section("The context"))
    }
    offered = {name for name in vars(api.PluginContext) if not name.startswith("_")}

    assert parts == offered - {"store_id", "plugin", "installation", "delivery"}
