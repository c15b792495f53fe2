"""Logs go to stderr as the operator wants them, those of libraries too."""

import json
import logging

import pytest

from pideai_host.telemetry import bound_contextvars, get_logger, set_up

pytestmark = pytest.mark.usefixtures("log_as_before")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json")
    get_logger("a.module").info("event_kept", count=2)

    told = json.loads(capsys.readouterr().err)

    assert (told["event"], told["count"], told["module"], told["level"]) == ("event_kept", 2, "a.module", "info")


def test_logger_made_before_follows(capsys: pytest.CaptureFixture[str]) -> None:
    logger = get_logger("early")
    set_up(log_format="json", level="warning")
    logger.info("unseen")
    logger.warning("seen")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["seen"]


def test_bound_values_are_in_every_line_of_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json")
    with bound_contextvars(store_id="s1"):
        get_logger("m").info("inside")
    get_logger("m").info("outside")

    inside, outside = map(json.loads, capsys.readouterr().err.splitlines())

    assert (inside["store_id"], "store_id" in outside) == ("s1", False)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_libraries_log_the_same_way_without_secrets(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    set_up(log_format=log_format)
    logging.getLogger("psycopg.pool").warning("lost %s", "postgresql://me:hidden@host/db")

    told = capsys.readouterr().err

    assert "lost postgresql://[redacted]@host/db" in told


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    set_up(log_format=log_format)
    hidden = "local-" + "value"
    try:
        int(hidden[:0])
    except ValueError:
        get_logger("m").exception("failed")

    told = capsys.readouterr().err

    assert "ValueError" in told
    assert "local-value" not in told


def test_http_clients_do_not_log_requests(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json", level="debug")
    logging.getLogger("httpx").info("POST https://host/token")

    assert capsys.readouterr().err == ""


def test_the_driver_is_as_quiet_as_all_else(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(level="error")
    logging.getLogger("psycopg").setLevel(logging.WARNING)  # as its import does
    set_up(level="error")
    logging.getLogger("psycopg.pool").warning("lost a connection")

    assert capsys.readouterr().err == ""
