"""An installation is drafted whole: every fault at once, secrets sealed, what is left out kept."""

from uuid import UUID

import msgspec
import pytest

from pideai_host.api import ConfigRejected, PluginDefinition, PluginType
from pideai_host.stores.draft import draft_changed, draft_new
from pideai_host.stores.opened import open_value
from pideai_host.stores.policy import PolicyOverride
from pideai_host.stores.secrets import Sealer, SecretUnreadable, generate_webhook_secret
from pideai_host.stores.wire import InstallIn, UpdateIn

STORE = UUID(int=2)
PLUGIN = UUID(int=3)
PAY = PluginDefinition(
    slug="pay",
    name="Pay",
    version="1",
    type=PluginType.PAYMENT,
    subscribed_events=(),
    config_version=2,
    config_schema={
        "type": "object",
        "required": ["key"],
        "additionalProperties": False,
        "properties": {
            "key": {"type": "string", "writeOnly": True},
            "pin": {"type": "string", "writeOnly": True},
            "mode": {"enum": ["test", "live"], "default": "test"},
        },
    },
)
HOOK = msgspec.structs.replace(PAY, slug="hook", webhook=True, config_schema={"type": "object"})


@pytest.fixture
def pay(sealer):
    """An installation of `PAY` as it is kept."""
    return draft_new(sealer, PAY, STORE, PLUGIN, InstallIn(config={"key": "k1", "pin": "p1"})).installation


@pytest.fixture
def hook(sealer):
    wanted = InstallIn(webhook_url="https://example.com/", webhook_secret=generate_webhook_secret())
    return draft_new(sealer, HOOK, STORE, PLUGIN, wanted).installation


def test_a_new_installation_has_its_defaults_and_its_secrets_apart(sealer, pay):
    assert pay.config == {"mode": "test"}
    assert {field: open_value(sealer, pay, field) for field in pay.sealed} == {"/key": "k1", "/pin": "p1"}
    assert (pay.slug, pay.store_id, pay.plugin_id, pay.config_version) == ("pay", STORE, PLUGIN, 2)
    assert "'k1'" not in str(msgspec.to_builtins(pay))


def test_all_faults_of_configuration_and_webhook_come_at_once(sealer):
    wanted = InstallIn(config={"mode": "prod"}, webhook_url="https://example.com", webhook_secret="x")

    with pytest.raises(ConfigRejected) as caught:
        draft_new(sealer, PAY, STORE, PLUGIN, wanted)

    assert sorted(caught.value.faults) == ["/key", "/mode", "/webhook_secret", "/webhook_url"]


def test_faults_of_the_policy_come_with_all_others(sealer):
    policy = {"max_age_s": 0, "retry": {"jitter": 2, "speed": 1}}

    with pytest.raises(ConfigRejected) as caught:
        draft_new(sealer, PAY, STORE, PLUGIN, InstallIn(webhook_url="https://example.com", policy=policy))

    assert sorted(caught.value.faults) == [
        "/key",
        "/policy/max_age_s",
        "/policy/retry/jitter",
        "/policy/retry/speed",
        "/webhook_url",
    ]


def test_a_new_installation_has_the_policy_it_asks_for(sealer):
    draft = draft_new(sealer, HOOK, STORE, PLUGIN, InstallIn(policy={"max_age_s": 60}))

    assert draft.installation.policy == PolicyOverride(max_age_s=60.0)


@pytest.mark.parametrize(
    ("change", "policy"),
    [
        (UpdateIn(priority=1), PolicyOverride(max_age_s=60.0)),
        (UpdateIn(policy={"ordered": True}), PolicyOverride(ordered=True)),
        (UpdateIn(policy={}), None),
        (UpdateIn(policy=None), None),
    ],
    ids=["left out", "another", "empty", "null"],
)
def test_a_policy_stays_or_is_replaced_and_the_plugin_is_not_asked(sealer, hook, change, policy):
    stored = msgspec.structs.replace(hook, policy=PolicyOverride(max_age_s=60.0))

    draft = draft_changed(sealer, HOOK, stored, change)

    assert (draft.installation.policy, draft.is_reconfigured) == (policy, False)


def test_a_faulty_change_of_the_policy_is_refused(sealer, hook):
    with pytest.raises(ConfigRejected) as caught:
        draft_changed(sealer, HOOK, hook, UpdateIn(policy={"limits": {"concurrency_per_installation": 51}}))

    assert caught.value.faults == {"/policy/limits/concurrency_per_installation": "must be at most 50"}


def test_a_plugin_reached_by_webhook_gets_a_secret_that_is_shown_once(sealer):
    draft = draft_new(sealer, HOOK, STORE, PLUGIN, InstallIn(webhook_url="https://example.com/"))

    assert open_value(sealer, draft.installation, "webhook_secret") == draft.new_webhook_secret
    assert draft.new_webhook_secret not in repr(draft)


def test_a_secret_that_the_owner_brings_is_kept_and_not_shown(sealer):
    secret = generate_webhook_secret()

    draft = draft_new(sealer, HOOK, STORE, PLUGIN, InstallIn(webhook_secret=secret))

    assert open_value(sealer, draft.installation, "webhook_secret") == secret
    assert draft.new_webhook_secret is None


def test_any_other_plugin_gets_none(sealer, pay):
    assert draft_changed(sealer, PAY, pay, UpdateIn(webhook_secret=None)).new_webhook_secret is None
    assert "webhook_secret" not in pay.sealed


def test_a_change_of_switches_alone_leaves_the_configuration_as_it_is(sealer, pay):
    draft = draft_changed(sealer, PAY, pay, UpdateIn(enabled=False, priority=7))

    assert draft.installation == msgspec.structs.replace(pay, enabled=False, priority=7)
    assert not draft.is_reconfigured


def test_an_empty_change_changes_nothing(sealer, pay):
    assert draft_changed(sealer, PAY, pay, UpdateIn()).installation == pay


def test_sending_back_what_was_shown_changes_nothing(sealer, pay, hook):
    assert not draft_changed(sealer, PAY, pay, UpdateIn(config=pay.config)).is_reconfigured
    assert not draft_changed(sealer, HOOK, hook, UpdateIn(webhook_url=hook.webhook_url)).is_reconfigured


def test_a_new_configuration_replaces_the_old_one_and_keeps_its_secrets(sealer, pay):
    draft = draft_changed(sealer, PAY, pay, UpdateIn(config={"mode": "live", "pin": None}))

    assert draft.is_reconfigured
    assert draft.installation.config == {"mode": "live"}
    assert list(draft.installation.sealed) == ["/key"]
    assert open_value(sealer, draft.installation, "/key") == "k1"


@pytest.mark.parametrize(
    "change",
    [
        UpdateIn(config={"key": "k2"}),
        UpdateIn(config={"key": "k1"}),
        UpdateIn(config={"pin": None}),
    ],
    ids=["a new secret", "a secret sent again", "a secret cleared"],
)
def test_a_change_of_secrets_is_a_change_of_the_configuration(sealer, pay, change):
    assert draft_changed(sealer, PAY, pay, change).is_reconfigured


def test_a_configuration_of_an_older_version_is_brought_up_by_the_next_one_sent(sealer, pay):
    old = msgspec.structs.replace(pay, config_version=1)

    draft = draft_changed(sealer, PAY, old, UpdateIn(config=old.config))

    assert draft.is_reconfigured
    assert draft.installation.config_version == 2


def test_a_webhook_can_be_changed_and_its_secret_made_anew(sealer, hook):
    draft = draft_changed(sealer, HOOK, hook, UpdateIn(webhook_url="https://other.example/", webhook_secret=None))

    assert draft.is_reconfigured
    assert draft.installation.webhook_url == "https://other.example/"
    assert open_value(sealer, draft.installation, "webhook_secret") == draft.new_webhook_secret


def test_faults_of_the_webhook_alone_are_told_too(sealer, hook):
    with pytest.raises(ConfigRejected) as caught:
        draft_changed(sealer, HOOK, hook, UpdateIn(webhook_url="nowhere", webhook_secret="short"))

    assert sorted(caught.value.faults) == ["/webhook_secret", "/webhook_url"]


def test_a_secret_that_does_not_open_stops_only_a_change_that_wants_to_keep_it(pay):
    other = Sealer((("k2", b"x" * 32),))

    with pytest.raises(SecretUnreadable):
        draft_changed(other, PAY, pay, UpdateIn(config={"pin": "p2"}))
    draft_changed(other, PAY, pay, UpdateIn(config={"key": "k2", "pin": "p2"}))
    draft_changed(other, PAY, pay, UpdateIn(enabled=False))
