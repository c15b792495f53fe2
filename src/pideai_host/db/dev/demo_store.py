"""A store that is ready to sell and to send, for the demo and for tests."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pideai_host.api.errors import ConfigurationError


async def create_demo_store(
    conn: AsyncConnection[Any], *, owner_id: UUID, subdomain: str, name: str, owner_email: str | None = None
) -> UUID:
    """Make an owner and a store that has everything a WhatsApp message needs; answers the store's id.

    The owner (auth.users, profiles); the store (USD, prices as 1.234,50, all operating modes, phone and address); three
    menu items; a Pago Móvil method; the whatsapp module switched on; WhatsApp connected, eight templates, 50 monthly
    credits. Idempotent by subdomain: a store that the owner has already is left as it is.

    Args:
        conn: A superuser's connection to a database with the development base.
        owner_id: The `sub` of the owner's tokens.
        subdomain: Not one of the reserved ones (`demo` and `test` are).
        name: What customers read.
        owner_email: By default the subdomain at example.com.

    Raises:
        ConfigurationError: The subdomain belongs to another owner's store.
    """
    async with conn.transaction(), conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "select pideai_dev.create_demo_store(%(owner_id)s, %(owner_email)s, %(subdomain)s, %(name)s)",
            {
                "owner_id": owner_id,
                "owner_email": owner_email or f"{subdomain}@example.com",
                "subdomain": subdomain,
                "name": name,
            },
        )
        store_id: UUID | None = await cursor.fetchone()
        if store_id is None:
            raise ConfigurationError(
                f"the subdomain {subdomain!r} belongs to another owner's store", hint="Choose another subdomain."
            )
        return store_id
