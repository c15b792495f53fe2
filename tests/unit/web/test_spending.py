"""A request below a store is counted against the store only once it is known that the store is the user's."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from pideai_host.api import StoreUnknown
from pideai_host.web.access import require_access
from pideai_host.web.state import STATE_KEY

STORE = uuid4()


class Access:
    def __init__(self, *, owns):
        self.owns = owns

    async def require_owner(self, user, store_id):
        if not self.owns:
            raise StoreUnknown(store_id)

    require_reader = require_owner


class Limits:
    def __init__(self):
        self.spent = []

    async def spend(self, kind, subject, scope):
        self.spent.append((kind, subject))


def connection_of(access, limits):
    app = SimpleNamespace(state={STATE_KEY: SimpleNamespace(access=access, limits=limits)})
    scope = {"method": "GET", "litestar_app": app, "state": {}}
    return SimpleNamespace(scope=scope, user=None, path_params={"store_id": STORE})


async def test_its_owner_s_request_counts_against_the_store():
    limits = Limits()

    await require_access(connection_of(Access(owns=True), limits), None)

    assert limits.spent == [("store", STORE)]


async def test_a_stranger_cannot_use_up_what_is_the_store_s():
    limits = Limits()

    with pytest.raises(StoreUnknown):
        await require_access(connection_of(Access(owns=False), limits), None)

    assert limits.spent == []
