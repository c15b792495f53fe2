"""Why no connection came about is one line that an operator understands."""

import psycopg
import pytest

from pideai_host.api.errors import DatabaseUnavailable
from pideai_host.db.faults import require_supported, unavailable

URL = "postgresql://me:hidden@db.example.com:5432/shop"
SERVER = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f'{SERVER}FATAL:  password authentication failed for user "me"', "refuses user or password"),
        (f'{SERVER}FATAL:  no pg_hba.conf entry for host "1.2.3.4"', "refuses user or password"),
        (f'{SERVER}FATAL:  role "me" does not exist', "does not know the user"),
        (f'{SERVER}FATAL:  role "pideai_host" does not exist', "does not know the user pideai_host"),
        (f'{SERVER}FATAL:  role "pideai_host" is not permitted to log in', "does not let the user log in"),
        (f"{SERVER}FATAL:  Tenant or user not found", "does not know the user"),
        (f'{SERVER}FATAL:  database "shop" does not exist', "does not exist there"),
        (f"{SERVER}Connection refused\n\tIs the server running?", "does not answer"),
        ("connection timeout expired", "does not answer in time"),
        ("failed to resolve host 'db.example.com': [Errno -2]", "cannot be found by its host name"),
        (f"{SERVER}Network is unreachable", "cannot be reached from this network"),
        (f"{SERVER}FATAL:  sorry, too many clients already", "has no connection left"),
        ("something new\nand more of it", "cannot be used: and more of it"),
        ("", "cannot be used: no reason given"),
    ],
)
def test_reason_is_told_in_one_line(said: str, expected: str) -> None:
    told = unavailable(URL, psycopg.OperationalError(said))

    assert told.message == f"the database at db.example.com:5432, database shop {expected}"


def refusal(version: int) -> DatabaseUnavailable | None:
    try:
        require_supported(URL, version)
    except DatabaseUnavailable as refused:
        return refused
    return None


def test_postgresql_15_is_enough() -> None:
    assert refusal(150000) is None


def test_older_server_is_refused() -> None:
    refused = refusal(140021)

    assert refused is not None
    assert "is PostgreSQL 14" in refused.message
    assert refused.hint == "15 or newer is needed."
