"""What `status` and `rollback` say. Pure."""

from collections.abc import Sequence
from typing import Any

from pideai_whatsapp.cutover.rows import CutoverState, Left, Standing, StoreStanding


def what_is_left(one: Left) -> str:
    """Say what the host still waits for before it rests."""
    parts = [
        f"{one.captured} captured changes" if one.captured else "",
        f"{one.pending} deliveries" if one.pending else "",
        "" if one.is_swept else "a sweep beyond the change of sides (about ten minutes)",
    ]
    return "waiting for " + ", ".join(filter(None, parts))


def state_word(store: StoreStanding, standing: Standing) -> str:
    """Say where a store is."""
    if store.state is not None:
        return store.state.value.replace("_", " ")
    return "pending" if standing.speak_for(store.id) else "not concerned"


def trigger_word(standing: Standing, name: str) -> str:
    """Say for whom a trigger speaks."""
    [trigger] = [one for one in standing.triggers if one.name == name]
    if not trigger.is_firing:
        return "switched off"
    if not trigger.is_as_left:
        return "replaced by somebody since: speaks for every store (run cutover again)"
    count = len(standing.scope.listed)
    if trigger.written is None or standing.scope.is_whole:
        return "speaks for every store"
    if not standing.scope.is_over:
        return f"speaks for all stores but {count}"
    if count == 0:
        return "speaks for no store"
    return f"speaks for {count} {'store' if count == 1 else 'stores'} alone"


def fault_of(store: StoreStanding, standing: Standing) -> str | None:
    """Say what is wrong when both sides would announce a store's changes, or neither."""
    speaks = standing.speak_for(store.id)
    if speaks and store.is_sending and store.is_working and store.state in {None, CutoverState.CUT_OVER}:
        return "both sides would announce its orders: run `pideai-host whatsapp cutover` for it"
    if store.state is CutoverState.CUT_OVER and store.is_sending and not store.is_working:
        return "nobody announces its orders: its installation is disabled"
    if store.state is CutoverState.PREPARING:
        return "its cutover stopped half-way: run cutover again, or rollback"
    return None


def as_data(standing: Standing, stores: Sequence[StoreStanding], faults: dict[str, str]) -> dict[str, Any]:
    """Say all of it as JSON can hold it."""
    return {
        "triggers": {one.name: trigger_word(standing, one.name) for one in standing.triggers},
        "pg_net": standing.can_post,
        "stores": [
            {
                "id": str(store.id),
                "subdomain": store.subdomain,
                "state": state_word(store, standing),
                "since": None if store.since is None else store.since.isoformat(),
                "triggers_speak": standing.speak_for(store.id),
                "enabled": store.is_working,
                "fault": faults.get(store.subdomain),
            }
            for store in stores
        ],
    }
