"""The store as its customers know it."""

import msgspec

from pideai_whatsapp.text.money import PriceFormat


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """The store as its customers know it; `country` is text as the owner gave it, often absent."""

    name: str
    subdomain: str
    address: str = ""
    country: str | None = None
    price_format: PriceFormat = PriceFormat()
    delivery_label: str = "Entrega a domicilio"
    pickup_label: str = "Recoger en tienda"
    digital_menu_label: str = "Para comer en el lugar"

    def label_of(self, order_type: str) -> str:
        """Return the store's word for an order type; eating there goes by the digital menu's word."""
        labels = {"delivery": self.delivery_label, "pickup": self.pickup_label}
        return labels.get(order_type, self.digital_menu_label)

    def link(self, base_domain: str) -> str:
        """Return the address of the store's page."""
        return f"https://{self.subdomain}.{base_domain}"
