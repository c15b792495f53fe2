"""Two stores to work with; tests run as the runtime role."""

from uuid import UUID, uuid4

import pytest

from pideai_host.db.dev import create_demo_store


@pytest.fixture
async def store_id(admin_conn) -> UUID:
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="first-store", name="First")


@pytest.fixture
async def other_store_id(admin_conn) -> UUID:
    return await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="second-store", name="Second")
