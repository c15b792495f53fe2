"""What the audit trail tells of a change: every field, and no secret."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from pideai_host.stores.audit import Action
from pideai_host.stores.audit_diff import CHANGES_MAX, line_of_leave, lines_of_change, lines_of_install
from pideai_host.stores.installations import WEBHOOK_SECRET, StoredInstallation
from pideai_host.stores.policy import PolicyOverride

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BEFORE = StoredInstallation(
    id=UUID(int=1),
    store_id=UUID(int=2),
    plugin_id=UUID(int=3),
    slug="whatsapp",
    config={"provider": "console", "hours": {"from": 8}},
    enabled=True,
    priority=0,
    webhook_url="https://hooks.example.com/services/CANARY?token=CANARY",
    config_version=1,
    revision=4,
    sealed={"/apiKey": "sealed-CANARY", WEBHOOK_SECRET: "sealed-CANARY"},
    installed_at=NOW,
    updated_at=NOW,
)


def changed(**fields):
    return msgspec.structs.replace(BEFORE, revision=5, **fields)


def changes(after):
    (line,) = lines_of_change(BEFORE, after)
    return line.detail["changes"]


def test_each_field_that_differs_is_told_with_its_values():
    after = changed(config={"provider": "evolution", "hours": {"from": 9, "to": 17}})

    assert changes(after) == [
        {"field": "/hours/from", "before": 8, "after": 9},
        {"field": "/hours/to", "after": 17},
        {"field": "/provider", "before": "console", "after": "evolution"},
    ]


def test_of_a_secret_only_that_it_was_set_changed_or_cleared():
    after = changed(sealed={"/apiKey": "sealed-CANARY-2", "/other": "sealed-CANARY"})

    assert changes(after) == [
        {"field": "/apiKey", "secret": "changed"},
        {"field": "/other", "secret": "set"},
        {"field": WEBHOOK_SECRET, "secret": "cleared"},
    ]


def test_of_an_address_only_where_it_leads():
    assert changes(changed(webhook_url="https://other.example.com/CANARY")) == [
        {"field": "webhook_url", "before": "https://hooks.example.com/…", "after": "https://other.example.com/…"}
    ]


def test_another_path_at_the_same_host_is_a_change():
    assert changes(changed(webhook_url="https://hooks.example.com/new"))


@pytest.mark.parametrize(("enabled", "action"), [(True, Action.ENABLED), (False, Action.DISABLED)])
def test_enabling_and_disabling_are_lines_of_their_own(enabled, action):
    before, after = msgspec.structs.replace(BEFORE, enabled=not enabled), changed(enabled=enabled)

    assert [line.action for line in lines_of_change(before, after)] == [action]


def test_a_policy_is_a_line_of_its_own():
    (line,) = lines_of_change(BEFORE, changed(policy=PolicyOverride(max_age_s=60.0)))

    assert (line.action, line.detail) == (Action.POLICY, {"before": None, "after": {"max_age_s": 60.0}})


def test_a_change_of_everything_makes_a_line_for_each():
    after = changed(config={}, policy=PolicyOverride(ordered=True), enabled=False)

    assert [line.action for line in lines_of_change(BEFORE, after)] == [
        Action.CONFIGURED,
        Action.POLICY,
        Action.DISABLED,
    ]


def test_a_change_that_changes_nothing_makes_none():
    assert lines_of_change(BEFORE, changed()) == []


def test_a_login_within_an_address_of_the_configuration_is_not_told():
    (change,) = changes(changed(config=BEFORE.config | {"url": "https://ana:CANARY@x.test"}))

    assert "CANARY" not in change["after"]


def test_more_changes_than_fit_are_counted():
    (line,) = lines_of_change(BEFORE, changed(config=BEFORE.config | {f"k{n}": n for n in range(CHANGES_MAX + 5)}))

    assert (len(line.detail["changes"]), line.detail["left_out"]) == (CHANGES_MAX, 5)


def test_long_values_are_cut():
    (change,) = changes(changed(config=BEFORE.config | {"text": "x" * 5_000, "list": ["y" * 5_000]}))[:1]

    assert len(change["after"]) <= 201


def test_no_secret_is_told_of_installing_or_uninstalling():
    told = repr([*lines_of_install(BEFORE), line_of_leave(BEFORE)])

    assert "CANARY" not in told
    assert "console" in told
