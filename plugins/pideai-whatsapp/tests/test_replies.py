"""What a customer's answer asks for: whole answers only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.text.replies import Wish, wish_of


@pytest.mark.parametrize(
    "answer",
    [
        "BAJA",
        "baja",
        " Baja. ",
        "¡BAJA!",
        "Baja por favor",
        "Darme de baja",
        "STOP",
        "No más mensajes",
        "No quiero recibir más mensajes, gracias",
        "baja 🙏",
        "Sair",
    ],
)
def test_customer_who_wants_to_be_left_alone_is_understood(answer: str) -> None:
    assert wish_of(answer) is Wish.OPT_OUT


@pytest.mark.parametrize("answer", ["ALTA", "alta", "Darme de alta, por favor", "start"])
def test_customer_who_comes_back_is_understood(answer: str) -> None:
    assert wish_of(answer) is Wish.OPT_IN


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "la persiana no baja",
        "baja la música",
        "¿me das de alta calidad?",
        "planta baja",
        "hola",
        "stop the car",
        "BAJA " * 30,
    ],
)
def test_words_within_a_sentence_ask_for_nothing(answer: str) -> None:
    assert wish_of(answer) is None


@given(st.text(max_size=100))
def test_any_answer_can_be_read(answer: str) -> None:
    assert wish_of(answer) in (None, Wish.OPT_OUT, Wish.OPT_IN)
