"""The `type` of every problem leads to a page that explains it, in two languages, to people and to programs."""

import re

import pytest

from pideai_host.web.problems import TABLE


@pytest.fixture
def client(client_of):
    return client_of()


@pytest.mark.parametrize("code", TABLE)
def test_every_code_has_a_page_in_both_languages(client, code):
    answer = client.get(f"/problems/{code}", headers={"accept": "text/html"})

    assert answer.status_code == 200
    assert re.findall(r'<section lang="(..)">', answer.text) == ["es", "en"]
    assert f"<code>{code}</code>" in answer.text


def test_programs_get_the_same_as_json(client):
    said = client.get("/problems/config_rejected", headers={"accept": "application/json"}).json()

    assert (said["type"], said["status"]) == ("/problems/config_rejected", 422)
    assert said["explanations"].keys() == {"es", "en"}
    assert said["example"]["code"] == "config_rejected"


@pytest.mark.parametrize(
    ("wanted", "first"), [("", "es"), ("es-VE,es;q=0.9,en;q=0.8", "es"), ("en-US,en;q=0.9", "en"), ("fr,en", "en")]
)
def test_the_language_that_is_read_comes_first(client, wanted, first):
    page = client.get("/problems/not_found", headers={"accept": "text/html", "accept-language": wanted}).text

    assert re.findall(r'<section lang="(..)">', page)[0] == first
    assert f'<html lang="{first}">' in page


def test_all_codes_are_listed_with_a_link_each(client):
    page = client.get("/problems", headers={"accept": "text/html"}).text
    listed = client.get("/problems", headers={"accept": "application/json"}).json()["items"]

    assert set(re.findall(r'href="/problems/([a-z_]+)"', page)) == set(TABLE)
    assert {one["code"] for one in listed} == set(TABLE)


def test_a_code_that_no_problem_has_is_not_found(client):
    answer = client.get("/problems/<script>")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_nothing_stands_within_a_page_that_the_policy_would_refuse(client):
    pages = [client.get(path, headers={"accept": "text/html"}).text for path in ("/problems", "/problems/not_found")]

    assert [re.findall(r"<script|<style|style=|\bon[a-z]+=", page) for page in pages] == [[], []]
