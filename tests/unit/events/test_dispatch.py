"""A plugin's answer is taken at its word where it is of the types that it declares, and never with a secret in it."""

from types import SimpleNamespace
from uuid import UUID

import pytest

from pideai_host.api import Outcome, PluginDefinition, PluginEventResult, PluginType, delivered, failed, hookimpl
from pideai_host.events.dispatch import Dispatcher
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.secrets import Sealer

SECRET = "whsec_canary"
SEALER = Sealer((("k1", bytes(32)),))
STORE = UUID(int=2)


class Probe:
    """Opens its secret, if it is told to, and answers what it is given."""

    def __init__(self, answer, *, opens):
        self._answer, self._opens = answer, opens

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="probe", name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=("probe.asked",)
        )

    @hookimpl
    async def handle_event(self, context):
        if self._opens:
            assert await context.secrets.get("webhook_secret") == SECRET
        return self._answer


class QuietBreakers:
    def parks(self, claimed):
        return None

    async def heard(self, *known):
        return known[-1]


async def verdict_on(answer, *, opens=False):
    plugin = Probe(answer, opens=opens)
    runner = HookRunner()
    dispatcher = Dispatcher(
        Registry.of({"probe": plugin}), runner, ContextFactory(None, None, SEALER, {}), QuietBreakers()
    )
    claimed = SimpleNamespace(
        id=UUID(int=9), store_id=STORE, installation_id=UUID(int=1), attempts=0, waited_s=None, revision=1,
        enabled=True, age_s=0.0, event_id=UUID(int=8), type="probe.asked", occurred_at=None, source="x", payload="{}",
        is_late=False,
    )  # fmt: skip
    stored = SimpleNamespace(
        config_version=1,
        store_id=STORE, slug="probe", config={},
        sealed={"webhook_secret": SEALER.seal(SECRET, STORE, "probe", "webhook_secret")},
        delivery=SimpleNamespace(retry=plugin.plugin_definition().retry, breaker=None, max_age_s=None),
    )  # fmt: skip
    try:
        return (await dispatcher.dispatch(claimed, "probe", stored)).verdict
    finally:
        await runner.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        failed(f"the provider says {SECRET} is wrong", response_body=f"{SECRET}!"),
        delivered(response_body=f"thanks for {SECRET}"),
        PluginEventResult(success=False, error=f"{SECRET}", retry_after_s=3),
    ],
)
async def test_a_secret_that_was_opened_never_leaves_with_the_answer(answer):
    verdict = await verdict_on(answer, opens=True)

    assert SECRET not in f"{verdict.error} {verdict.response_body}"
    assert "[secret]" in f"{verdict.error} {verdict.response_body}"


async def test_an_answer_without_the_secret_stays_as_it_is():
    verdict = await verdict_on(delivered(response_code=200, response_body="ok"), opens=True)

    assert (verdict.status, verdict.response_code, verdict.response_body) == ("delivered", 200, "ok")


@pytest.mark.parametrize(
    "answer",
    [
        PluginEventResult(success="yes"),
        PluginEventResult(success=True, response_body=b"bytes"),
        PluginEventResult(success=True, outcome="nonsense"),
        PluginEventResult(success=False, error=["a", "list"]),
        PluginEventResult(success=True, response_code=200.5),
    ],
)
async def test_an_answer_that_is_not_what_it_declares_is_a_retry_that_says_so(answer):
    verdict = await verdict_on(answer)

    assert (verdict.status, verdict.outcome) == ("pending", Outcome.RETRY)
    assert "PluginEventResult that is none" in verdict.error


async def test_what_only_has_to_be_converted_is_converted():
    verdict = await verdict_on(PluginEventResult(success=False, outcome="wait", error="later", retry_after_s=7))

    assert (verdict.outcome, verdict.delay_s) == (Outcome.WAIT, 7.0)
