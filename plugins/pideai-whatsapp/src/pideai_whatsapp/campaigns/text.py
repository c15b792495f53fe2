"""A campaign's text, written for one recipient. Pure."""

from typing import Final

from pideai_whatsapp.text.tokens import render

TOKENS: Final = ("customer_name", "store_name", "store_link")
NAME_DEFAULT: Final = "Cliente"
TEXT_MAX_CHARS: Final = 1_024
"""What every provider takes, as the caption of a picture too."""


def written(message: str, *, customer_name: str | None, store_name: str, store_link: str) -> tuple[str, dict[str, str]]:
    """Return the text for one recipient, and the values that its tokens stood for."""
    name = (customer_name or "").strip() or NAME_DEFAULT
    values = {"customer_name": name, "store_name": store_name, "store_link": store_link}
    return render(message, values).text, values


def unknown_tokens(message: str) -> tuple[str, ...]:
    """Name the tokens of a text that stand for nothing in a campaign, sorted."""
    return render(message, dict.fromkeys(TOKENS, "")).unknown
