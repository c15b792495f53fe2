"""Whose rows a question is about: one store's, or, for the operator alone, every store's.

The operator's word is a value of its own, so that no forgotten id ever widens an owner's question.
"""

from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

from psycopg import sql

from pideai_host.db.sql import query


class EveryStore(Enum):
    """The operator's scope."""

    EVERY_STORE = "every store"


EVERY_STORE: Final = EveryStore.EVERY_STORE
Scope: TypeAlias = UUID | EveryStore

_OF_STORE: Final = query("store_id = %(store_id)s")
_ANY: Final = query("true")


def store_id_of(scope: Scope) -> UUID | None:
    """Return the parameter `store_id` of a statement."""
    return None if isinstance(scope, EveryStore) else scope


def within(statement: sql.SQL, scope: Scope, **more: sql.Composable) -> sql.Composed:
    """Fill in ``{of_store}`` of a statement that reads one table with a `store_id`; give it `store_id_of` as that."""
    return statement.format(of_store=_ANY if isinstance(scope, EveryStore) else _OF_STORE, **more)
