"""Every statement is bound to one store; those that are not are listed here, with why."""

from importlib.resources import files

import pytest

OVER_STORES = {
    "campaigns_count": "a job brings all stores' counters up to date; rows are joined by their stores",
    "campaigns_due": "a job asks which stores have something to do",
    "channels_due": "a job asks which stores' channels are to be looked at",
    "channels_prune": "a job forgets what is old",
    "close_stale": "a job closes what nobody works on; the shop's rows are joined by their stores",
    "counts_add": "what a process counted of several stores, by store",
    "cutover_drained": "the operator's command, for the stores it names",
    "cutover_host": "asks after the host, not after a store",
    "cutover_note": "the operator's command, for the stores it names",
    "cutover_prepare": "the operator's command, for the stores it names",
    "cutover_prune": "a job forgets what is old",
    "cutover_replaced": "asks after triggers, not after a store",
    "cutover_set": "the operator's command, for the stores it names",
    "cutover_state": "asks after triggers, not after a store",
    "cutover_stores": "the operator's command, for the stores it names or for all",
    "cutover_switch": "the operator's command, for the stores it names",
    "cutover_tables": "asks after tables, not after a store",
    "prune_sends": "a job forgets what is old",
    "sends_to_ask_for": "a job asks which stores' messages are to be asked for, by store",
    "templates_function": "asks after a function, not after a store",
}
STATEMENTS = {
    entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
    for entry in files("pideai_whatsapp").joinpath("sql").iterdir()
    if entry.name.endswith(".sql")
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_is_bound_to_a_store_or_says_why_not(name):
    assert ("%(store_id)s" in STATEMENTS[name]) is (name not in OVER_STORES)


def test_no_statement_is_excused_that_is_not_there():
    assert OVER_STORES.keys() <= STATEMENTS.keys()


def test_enabling_and_configuring_set_the_same_switches():
    """One makes the row and the other must not, so that SQL has them write the list twice."""
    enabled, configured = (
        _from(STATEMENTS[name], "auto_order_confirmation = ") for name in ("settings_enable", "settings_flags")
    )

    assert configured.partition(" WHERE ")[0] == enabled


def test_a_message_reads_its_store_as_the_panel_does():
    facts, store = (_from(STATEMENTS[name], "SELECT s.name") for name in ("facts", "store"))

    assert facts.startswith(store.partition(" FROM ")[0] + ",")


def _from(statement: str, first: str) -> str:
    """Return a statement from some words on, with single spaces."""
    return " ".join(statement[statement.index(first) :].split())
