"""The reminder of a cart that was left behind."""

from pideai_host.api import CartAbandonedPayload
from pideai_whatsapp.text.message import MAX_CHARS, NAME_MAX_CHARS, Composed, cut, one_line, tidy
from pideai_whatsapp.text.money import format_price
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.tokens import render


def compose_reminder(template: str, *, cart: CartAbandonedPayload, store: Store, base_domain: str) -> Composed:
    """Write the reminder of a cart from a template, at most `MAX_CHARS` long.

    Raises:
        AmountUnusable: the total cannot be written.
    """
    values = cart_values(cart, store=store, base_domain=base_domain)
    rendered = render(template[:MAX_CHARS], values)
    return Composed(text=cut(tidy(rendered.text), MAX_CHARS), unknown=rendered.unknown, values=values)


def cart_values(cart: CartAbandonedPayload, *, store: Store, base_domain: str) -> dict[str, str]:
    """Return the value of every token that a reminder may hold, by name.

    Raises:
        AmountUnusable: the total cannot be written.
    """
    link = store.link(base_domain)
    return {
        "customer_name": one_line(cart.customer_name or "", NAME_MAX_CHARS) or "Cliente",
        "cart_total": format_price(cart.total, store.price_format),
        "recovery_link": f"{link}/?recovery_token={cart.recovery_token}" if cart.recovery_token else link,
        "store_name": one_line(store.name, NAME_MAX_CHARS),
        "store_link": link,
    }
