"""An installation's policy is its plugin's, but for what it wants otherwise and may have."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import (
    BreakerPolicy,
    ExponentialDelays,
    Limits,
    PluginDefinition,
    PluginType,
    RetryPolicy,
)
from pideai_host.stores.policy import PolicyOverride, policy_faults, policy_of, read_override

PLUGIN = PluginDefinition(
    slug="probe",
    name="Probe",
    version="1",
    type=PluginType.NOTIFICATION,
    subscribed_events=(),
    retry=RetryPolicy(delays_s=(1.0, 2.0), jitter=0.5),
    breaker=BreakerPolicy(failures=7, cool_down_s=9.0),
    limits=Limits(concurrency_per_installation=20, per_store_per_s=10.0),
    max_age_s=60.0,
)
FREE = msgspec.structs.replace(PLUGIN, breaker=None, limits=Limits(), max_age_s=None)


def policy(kept, plugin=PLUGIN):
    assert policy_faults(plugin, kept) == {}
    return policy_of(plugin, read_override(kept))


@pytest.mark.parametrize("kept", [None, {}, {"retry": {}, "breaker": {}, "limits": {}}])
def test_without_a_word_of_the_installation_the_plugins_policy_holds(kept):
    found = policy_of(PLUGIN, read_override(kept))

    assert msgspec.structs.asdict(found) == {
        "retry": PLUGIN.retry,
        "breaker": PLUGIN.breaker,
        "max_age_s": 60.0,
        "ordered": False,
        "per_store_per_s": 10.0,
        "concurrency_per_installation": 20,
    }


@pytest.mark.parametrize(
    ("kept", "field", "value"),
    [
        ({"retry": {"jitter": 0}}, "retry", RetryPolicy(delays_s=(1.0, 2.0), jitter=0.0)),
        ({"retry": {"delays_s": [5]}}, "retry", RetryPolicy(delays_s=(5.0,), jitter=0.5)),
        ({"retry": {"delays_s": []}}, "retry", RetryPolicy(delays_s=(), jitter=0.5)),
        ({"breaker": {"failures": 3}}, "breaker", BreakerPolicy(failures=3, cool_down_s=9.0)),
        ({"limits": {"per_store_per_s": 2}}, "per_store_per_s", 2.0),
        ({"limits": {"concurrency_per_installation": 1}}, "concurrency_per_installation", 1),
        ({"max_age_s": 5}, "max_age_s", 5.0),
        ({"max_age_s": None}, "max_age_s", None),
        ({"ordered": True}, "ordered", True),
    ],
    ids=str,
)
def test_only_what_is_given_differs(kept, field, value):
    found = policy(kept)

    assert found == msgspec.structs.replace(policy_of(PLUGIN), **{field: value})


def test_growing_delays_take_the_place_of_a_list():
    delays = policy({"retry": {"delays_s": {"base_s": 3, "calls": 4}}}).retry.delays_s

    assert isinstance(delays, ExponentialDelays)
    assert (delays.base_s, delays.factor, delays.calls) == (3.0, 2.0, 4)


def test_a_store_may_want_a_breaker_and_a_rate_that_the_plugin_has_not():
    found = policy({"breaker": {"failures": 2}, "limits": {"per_store_per_s": 0.5}}, FREE)

    assert (found.breaker, found.per_store_per_s) == (BreakerPolicy(failures=2), 0.5)


def test_all_faults_come_at_once_by_their_pointers():
    assert policy_faults(
        PLUGIN,
        {
            "retry": {"delays_s": [0, "soon"], "jitter": 2, "times": 3},
            "breaker": {"failures": 101, "growth": 0.5},
            "limits": {"timeout_s": 5},
            "max_age_s": 0,
            "ordered": 1,
            "speed": "fast",
        },
    ) == {
        "/breaker/failures": "must be at most 100",
        "/breaker/growth": "must be at least 1",
        "/limits/timeout_s": "is not a known field",
        "/max_age_s": "must be at least 0.001",
        "/ordered": "must be of type boolean",
        "/retry/delays_s/0": "must be at least 0.001",
        "/retry/delays_s/1": "must be of type number",
        "/retry/jitter": "must be at most 1",
        "/retry/times": "is not a known field",
        "/speed": "is not a known field",
    }


@pytest.mark.parametrize(
    ("kept", "pointer"),
    [
        ({"retry": {"delays_s": {"factor": 0}}}, "/retry/delays_s/factor"),
        ({"retry": {"delays_s": {"calls": 21}}}, "/retry/delays_s/calls"),
        ({"retry": {"delays_s": {"tries": 2}}}, "/retry/delays_s/tries"),
        ({"retry": {"delays_s": [1] * 11}}, "/retry/delays_s"),
        ({"retry": {"delays_s": 5}}, "/retry/delays_s"),
        ({"max_age_s": "never"}, "/max_age_s"),
        ({"retry": None}, "/retry"),
    ],
    ids=str,
)
def test_a_fault_is_told_where_it_is(kept, pointer):
    assert list(policy_faults(PLUGIN, kept)) == [pointer]


@pytest.mark.parametrize(
    "kept",
    [
        {"limits": {"per_store_per_s": 10.1}},
        {"limits": {"concurrency_per_installation": 21}},
        {"limits": {"per_store_per_s": None}},
        {"breaker": None},
    ],
    ids=str,
)
def test_a_store_cannot_take_more_than_its_plugin_allows(kept):
    assert len(policy_faults(PLUGIN, kept)) == 1


def test_what_the_plugin_allows_less_of_meanwhile_is_cut_down():
    kept = {"limits": {"per_store_per_s": 8, "concurrency_per_installation": 15}}
    slower = msgspec.structs.replace(PLUGIN, limits=Limits(per_store_per_s=3.0, concurrency_per_installation=5))

    found = policy_of(slower, read_override(kept))

    assert (found.per_store_per_s, found.concurrency_per_installation) == (3.0, 5)


@pytest.mark.parametrize("kept", [{"speed": 1}, {"retry": {"jitter": 9}}, {"retry": []}], ids=str)
def test_what_no_host_wrote_is_left_out(kept):
    assert read_override(kept) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SUBMITTED = st.fixed_dictionaries(
    {},
    optional={
        "retry": JSON_VALUES | st.dictionaries(st.sampled_from(["delays_s", "jitter", "max_wait_s"]), JSON_VALUES),
        "breaker": JSON_VALUES | st.dictionaries(st.sampled_from(["failures", "window_s"]), JSON_VALUES),
        "limits": st.dictionaries(st.sampled_from(["per_store_per_s", "concurrency_per_installation"]), JSON_VALUES),
        "max_age_s": JSON_VALUES,
        "ordered": JSON_VALUES,
    },
)


@given(SUBMITTED)
def test_what_has_no_fault_is_read_and_kept_as_it_was_meant(submitted):
    if policy_faults(PLUGIN, submitted):
        return
    override = read_override(submitted)

    assert (override is None) == (submitted == {})
    assert read_override(msgspec.json.decode(msgspec.json.encode(override or {}))) == override
    assert policy_of(PLUGIN, override).concurrency_per_installation <= 20


@given(st.floats(0.001, 10), st.integers(1, 20))
def test_no_override_is_faster_than_its_plugin(per_s, places):
    kept = {"limits": {"per_store_per_s": per_s, "concurrency_per_installation": places}}
    found = policy(kept)

    assert (found.per_store_per_s, found.concurrency_per_installation) == (per_s, places)


def test_an_override_shows_what_was_given_and_nothing_else():
    kept = {"retry": {"jitter": 0.0}, "max_age_s": None}

    assert msgspec.to_builtins(msgspec.convert(kept, PolicyOverride)) == kept
