"""A worker's breakers beside a database that others write to, or that does not answer."""

from types import SimpleNamespace
from uuid import UUID

import psycopg
import pytest

from pideai_host.api import BreakerPolicy, PluginDefinition, PluginType
from pideai_host.events.breaker import Phase
from pideai_host.events.breaker_rows import SharedBreaker
from pideai_host.events.breakers import READ_S, Breakers
from pideai_host.events.channel import Channel
from pideai_host.events.verdict import Verdict

DEFINITION = PluginDefinition(
    slug="probe",
    name="Probe",
    version="1",
    type=PluginType.INTEGRATION,
    subscribed_events=(),
    breaker=BreakerPolicy(failures=2),
)
RETRY = Verdict(status="pending", outcome="retry", uses_attempt=True, delay_s=1.0, park_reason="retry", error="503")
GAVE_UP = Verdict(status="failed", outcome="failed", uses_attempt=True, error="gave up")
INSTALLATION = UUID(int=1)


def delivery(number, installation=INSTALLATION):
    return SimpleNamespace(id=UUID(int=number), installation_id=installation, store_id=UUID(int=9))


class Rows:
    """Stands for the table: `rows` is what is read, `version` what a transition gets."""

    def __init__(self):
        self.rows, self.version, self.calls, self.is_down = [], 1, [], False

    async def _do(self, name, answer=None):
        self.calls.append(name)
        if self.is_down:
            raise psycopg.OperationalError
        return answer

    async def read(self):
        return await self._do("read", self.rows)

    async def open(self, installation_id, plugin, **values):
        return await self._do("open", self.version)

    async def close(self, installation_id, **values):
        return await self._do("close", self.version)

    async def probe(self):
        await self._do("probe")

    async def drain(self):
        await self._do("drain")


@pytest.fixture
def rows():
    return Rows()


@pytest.fixture
def clock():
    return SimpleNamespace(now_s=0.0)


@pytest.fixture
def breakers(rows, clock):
    return Breakers(rows, monotonic=lambda: clock.now_s)


def shared(phase, *, probe=None, is_due=False, needs_care=False):
    return SharedBreaker(
        INSTALLATION, phase, 3, 1, 10.0, None if probe is None else UUID(int=probe), is_due, needs_care
    )


async def fail(breakers, times=1, definition=DEFINITION):
    for number in range(times):
        verdict = await breakers.heard(delivery(number), definition, definition.breaker, Channel.BROKEN, RETRY)
    return verdict


async def test_what_works_costs_no_statement(breakers, rows):
    for number in range(5):
        await breakers.heard(delivery(number), DEFINITION, DEFINITION.breaker, Channel.WORKS, RETRY)

    assert rows.calls == []


async def test_failures_are_counted_without_a_statement_until_they_open(breakers, rows):
    await fail(breakers)
    before = list(rows.calls)
    await fail(breakers)

    assert (before, rows.calls) == ([], ["open"])


async def test_an_open_breaker_parks_without_an_attempt(breakers):
    await fail(breakers, 2)
    parked = breakers.parks(delivery(5))

    assert (parked.status, parked.park_reason, parked.uses_attempt, parked.delay_s) == (
        "pending",
        "breaker",
        False,
        None,
    )


async def test_other_installations_are_not_parked(breakers):
    await fail(breakers, 2)

    assert breakers.parks(delivery(5, installation=UUID(int=2))) is None


async def test_a_plugin_without_a_breaker_never_rests(breakers, rows):
    await fail(breakers, 9, definition=PluginDefinition(**{**_fields(), "breaker": None}))

    assert (rows.calls, breakers.parks(delivery(5))) == ([], None)


def _fields():
    return {name: getattr(DEFINITION, name) for name in DEFINITION.__struct_fields__}


async def test_what_another_worker_opened_is_open_here(breakers, rows):
    rows.rows = [shared(Phase.OPEN)]
    await breakers.refresh()

    assert breakers.parks(delivery(5)) is not None


async def test_what_another_worker_closed_is_closed_here(breakers, rows):
    await fail(breakers, 2)
    rows.rows = [shared(Phase.CLOSED)]
    await breakers.refresh()

    assert breakers.parks(delivery(5)) is None


async def test_a_forgotten_breaker_is_closed(breakers, rows):
    rows.rows = [shared(Phase.OPEN)]
    await breakers.refresh()
    rows.rows = []
    await breakers.refresh()

    assert breakers.parks(delivery(5)) is None


async def test_a_reading_keeps_the_count_of_failures(breakers, rows):
    await fail(breakers)
    rows.rows = [shared(Phase.CLOSED)]
    await breakers.refresh()
    await fail(breakers)

    assert breakers.parks(delivery(5)) is not None


async def test_only_the_probe_is_let_through(breakers, rows):
    rows.rows = [shared(Phase.HALF_OPEN, probe=7)]
    await breakers.refresh()

    assert (breakers.parks(delivery(7)), breakers.parks(delivery(8)) is not None) == (None, True)


@pytest.mark.parametrize("verdict", [RETRY, GAVE_UP], ids=["retry", "last attempt"])
async def test_a_probe_that_fails_is_parked_and_uses_no_attempt(breakers, rows, verdict):
    rows.rows = [shared(Phase.HALF_OPEN, probe=7)]
    await breakers.refresh()
    after = await breakers.heard(delivery(7), DEFINITION, DEFINITION.breaker, Channel.BROKEN, verdict)

    assert (after.status, after.park_reason, after.uses_attempt, after.error) == (
        "pending",
        "breaker",
        False,
        verdict.error,
    )


async def test_the_word_of_any_other_call_does_not_count_while_half_open(breakers, rows):
    rows.rows = [shared(Phase.HALF_OPEN, probe=7)]
    await breakers.refresh()
    after = await breakers.heard(delivery(8), DEFINITION, DEFINITION.breaker, Channel.WORKS, RETRY)

    assert (after, rows.calls) == (RETRY, ["read"])


async def test_a_probe_that_succeeds_closes(breakers, rows):
    rows.rows = [shared(Phase.HALF_OPEN, probe=7)]
    await breakers.refresh()
    await breakers.heard(delivery(7), DEFINITION, DEFINITION.breaker, Channel.WORKS, RETRY)

    assert (rows.calls, breakers.parks(delivery(8))) == (["read", "close"], None)


async def test_a_transition_that_another_worker_made_first_is_left_to_the_next_reading(breakers, rows):
    rows.version = None
    await fail(breakers, 2)

    assert breakers.parks(delivery(5)) is None


async def test_a_database_that_does_not_answer_stops_no_delivery(breakers, rows):
    rows.is_down = True
    verdict = await fail(breakers, 2)

    assert (verdict, breakers.parks(delivery(5))) == (RETRY, None)


async def test_an_opening_that_was_not_written_is_tried_again(breakers, rows):
    rows.is_down = True
    await fail(breakers, 2)
    rows.is_down = False
    await fail(breakers)

    assert breakers.parks(delivery(5)) is not None


async def test_what_is_due_is_done_by_whoever_reads_it(breakers, rows):
    rows.rows = [shared(Phase.OPEN, is_due=True), shared(Phase.CLOSED, needs_care=True)]
    await breakers.refresh()

    assert rows.calls == ["read", "probe", "read", "drain"]


async def test_the_table_is_read_once_in_its_time(breakers, rows, clock):
    await breakers.keep_up()
    await breakers.keep_up()
    clock.now_s = READ_S
    await breakers.keep_up()

    assert rows.calls == ["read", "read"]


async def test_a_reading_that_fails_keeps_what_is_known(breakers, rows):
    await fail(breakers, 2)
    rows.is_down = True
    await breakers.keep_up()

    assert breakers.parks(delivery(5)) is not None
