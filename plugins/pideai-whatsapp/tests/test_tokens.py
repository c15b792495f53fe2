"""Tokens are replaced in one pass: what a value says is never read as a template."""

from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.text.tokens import render

NAMES = st.sampled_from(["customer_name", "order_total", "store_name", "a-b", "X1"])
PIECES = st.one_of(st.text(alphabet=st.characters(exclude_characters="{}")), NAMES.map(lambda name: f"{{{name}}}"))
VALUES = st.dictionaries(NAMES, st.one_of(st.text(), NAMES.map(lambda name: f"${{{name}}}"), st.just(r"\1 \g<0> $1")))


@given(pieces=st.lists(PIECES), values=VALUES)
def test_each_token_becomes_exactly_its_value(pieces: list[str], values: dict[str, str]) -> None:
    rendered = render("".join(pieces), values)

    assert rendered.text == "".join(values.get(piece[1:-1], piece) if piece[:1] == "{" else piece for piece in pieces)


@given(template=st.text(), values=VALUES)
def test_unknown_tokens_are_named_once_and_stay(template: str, values: dict[str, str]) -> None:
    rendered = render(template, values)

    assert list(rendered.unknown) == sorted(set(rendered.unknown) - values.keys())
    assert all(f"{{{name}}}" in rendered.text for name in rendered.unknown)


def test_every_occurrence_is_replaced() -> None:
    assert render("{a} y {a}", {"a": "{a}"}).text == "{a} y {a}"


def test_braces_that_hold_no_name_are_text() -> None:
    assert render("{} { a } {{a}}", {"a": "1"}).text == "{} { a } {1}"
