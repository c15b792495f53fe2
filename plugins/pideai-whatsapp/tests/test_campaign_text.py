"""A campaign's text for one recipient: tokens replaced once, and none but those it knows."""

from pideai_whatsapp.campaigns.text import unknown_tokens, written


def write(message, name="Ana"):
    return written(message, customer_name=name, store_name="La Arepera", store_link="https://la.pideai.com")[0]


def test_a_recipient_is_named():
    assert write("Hola {customer_name}, ven a {store_name}: {store_link}") == (
        "Hola Ana, ven a La Arepera: https://la.pideai.com"
    )


def test_nobody_is_called_by_nothing():
    assert write("Hola {customer_name}", name="  ") == "Hola Cliente"


def test_a_name_that_holds_a_token_is_printed_as_it_is():
    assert write("Hola {customer_name}", name="{store_name}") == "Hola {store_name}"


def test_tokens_of_orders_are_unknown_to_campaigns():
    assert unknown_tokens("{customer_name} {order_total}") == ("order_total",)
