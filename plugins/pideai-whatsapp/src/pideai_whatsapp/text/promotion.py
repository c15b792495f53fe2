"""A promotion that the store sends by hand: its words in the frame of its template."""

from pideai_whatsapp.text.message import MAX_CHARS, NAME_MAX_CHARS, Composed, cut, one_line, tidy
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.tokens import render


def compose_promotion(
    template: str, *, customer_name: str | None, message: str, store: Store, base_domain: str
) -> Composed:
    """Write a promotion from a template, at most `MAX_CHARS` long."""
    values = promotion_values(customer_name=customer_name, message=message, store=store, base_domain=base_domain)
    rendered = render(template[:MAX_CHARS], values)
    return Composed(text=cut(tidy(rendered.text), MAX_CHARS), unknown=rendered.unknown, values=values)


def promotion_values(*, customer_name: str | None, message: str, store: Store, base_domain: str) -> dict[str, str]:
    """Return the value of every token that a promotion may hold, by name."""
    return {
        "customer_name": one_line(customer_name or "", NAME_MAX_CHARS) or "Cliente",
        "promotion_message": message.strip(),
        "store_name": one_line(store.name, NAME_MAX_CHARS),
        "store_link": store.link(base_domain),
    }
