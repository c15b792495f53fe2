"""Database URLs are checked before anything connects, and shown without passwords."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.urls import conninfo, place


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_url_is_kept_and_completed(scheme: str) -> None:
    told = conninfo_to_dict(conninfo(f"{scheme}://me:p%40ss@host:5433/shop", name="worker"))

    assert told | {"user": "me", "password": "p@ss", "host": "host", "port": "5433", "dbname": "shop"} == told
    assert (told["application_name"], told["connect_timeout"], told["gssencmode"]) == ("worker", "5", "disable")


def test_what_the_url_says_is_not_changed() -> None:
    told = conninfo_to_dict(conninfo("postgresql://h/d?connect_timeout=30&application_name=mine&sslmode=verify-full"))

    assert (told["connect_timeout"], told["application_name"], told["sslmode"]) == ("30", "mine", "verify-full")


def test_url_of_a_socket_is_understood() -> None:
    assert conninfo_to_dict(conninfo("postgresql://postgres@/d?host=%2Frun%2Fpg"))["host"] == "/run/pg"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hidden@aws-0-eu.pooler.supabase.com:6543/postgres",
        "postgresql://u:hidden@db.ref.supabase.co:6543/postgres",
        "postgresql://u:hidden@h1:5432,h2:6543/postgres",
        "postgresql://u:hidden@host:5432/postgres?pgbouncer=true",
        "postgresql://u:hidden@host/postgres?port=6543",
        "postgresql://u:hidden@ep-x-pooler.eu.aws.neon.tech/d",
    ],
    ids=["shared pooler", "dedicated pooler", "one of two", "said so", "port as parameter", "neon"],
)
def test_transaction_pooler_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL leads to a transaction pooler") as caught:
        conninfo(url)

    assert "5432" in caught.value.hint


def test_session_pooler_is_accepted() -> None:
    assert "pooler.supabase.com" in conninfo("postgresql://u.ref:p@aws-0-eu.pooler.supabase.com:5432/postgres")


def test_orms_word_for_no_pooler_is_ignored() -> None:
    told = conninfo_to_dict(conninfo("postgresql://h/d?pgbouncer=false&connect_timeout=9"))

    assert told["connect_timeout"] == "9"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hidden",
        "mysql://u:hidden@h/d",
        "host=h password=hidden",
        "postgresql+psycopg://u:hidden@h/d",
        "postgresql://u:hid%den@h/d",
        "postgresql://u:hidden@h:notaport/d",
        "postgresql://u:hidden@[::1/d",
        "postgresql://u:pass@hidden@h/d",
        "postgresql://u:pass/hidden@h/d",
        "postgresql://u:12/hidden@h/d",
        "postgresql://u:12?hidden@h/d",
        "postgresql://u:12?hidden=x@h/d",
        "postgresql://u:p@h:0/hidden",
    ],
)
def test_what_is_no_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL is not a") as caught:
        conninfo(url)

    assert "hid" not in caught.value.message


def test_unknown_parameter_is_named_without_its_value() -> None:
    with pytest.raises(ConfigurationError, match="'schema'") as caught:
        conninfo("postgresql://h/d?schema=hidden")

    assert "hidden" not in caught.value.message


def test_variable_in_the_message_is_the_one_that_was_read() -> None:
    with pytest.raises(ConfigurationError, match="ADMIN_DATABASE_URL"):
        conninfo("nonsense", variable="ADMIN_DATABASE_URL")


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(rest: str) -> None:
    try:
        told = conninfo(f"postgresql://{rest}")
    except ConfigurationError as refused:
        assert refused.hint  # noqa: PT017 - both ends are fine, this one has a rule
    else:
        conninfo_to_dict(told)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hidden@host:5433/shop", "host:5433, database shop"),
        ("postgresql://me:hidden@host", "host:5432, database me"),
        ("postgresql://postgres@/d?host=/run/pg", "/run/pg, database d"),
    ],
)
def test_place_shows_neither_password_nor_more_than_needed(url: str, shown: str) -> None:
    assert place(url) == shown
