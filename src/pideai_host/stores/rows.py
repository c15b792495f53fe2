"""What every write to a store's rows has in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from psycopg import errors

from pideai_host.api import ConfigurationError, StoreUnknown

Row = TypeVar("Row")


@contextmanager
def existing_store(store_id: UUID) -> Iterator[None]:
    """Say `StoreUnknown` where the database says that a row's store is not there."""
    try:
        yield
    except errors.ForeignKeyViolation:
        raise StoreUnknown(store_id) from None


def require_row(row: Row | None, what: str) -> Row:
    """Return a row, or a count of rows, that has to be there: row level security hides rows without a word.

    Raises:
        ConfigurationError: it is None, or 0.
    """
    if row is None or row == 0:
        raise ConfigurationError(
            f"{what}: the runtime role does not see a row that has to be there",
            hint="Its policies may be missing: pideai-host migrate puts them back.",
        )
    return row
