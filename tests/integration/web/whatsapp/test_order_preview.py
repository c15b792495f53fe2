"""The owner looks at a whole order before customers get one."""

import pytest


@pytest.mark.parametrize(("order_type", "begins"), [("delivery", "🛵"), ("pickup", "🛍️"), ("dine_in", "🍽️")])
async def test_a_whole_order_is_shown_by_the_stores_own_template(panel, order_type, begins):
    answer = await panel.whatsapp("POST", "/order-preview", json={"order_type": order_type})

    assert answer.status_code == 200
    assert answer.json()["text"].startswith(begins)
    assert answer.json()["unknown_tokens"] == []


async def test_without_a_body_it_is_a_delivery_in_the_stores_money(panel):
    text = (await panel.whatsapp("POST", "/order-preview")).json()["text"]

    assert "Arepa reina pepiada* Precio: USD 5,00" in text
    assert text.endswith("Notas: Sin cebolla")


async def test_a_given_text_shows_what_it_does_not_know(panel):
    answer = await panel.whatsapp("POST", "/order-preview", json={"template": "{order-number} {nada}"})

    assert answer.json() == {"text": "A1B2C3D4 {nada}\n\nNotas: Sin cebolla", "unknown_tokens": ["nada"]}


async def test_an_empty_text_is_refused_in_words(panel):
    answer = await panel.whatsapp("POST", "/order-preview", json={"template": " "})

    assert answer.status_code == 422
    assert answer.json()["reason"] == "template_rejected"
