"""A store's own texts: the rows of ``whatsapp_message_templates``, and ours where it has none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import Database, StoreUnknown
from pideai_whatsapp.errors import TemplateRejected
from pideai_whatsapp.sending.rows import order_style_of, store_of
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.generator import OrderMessage, write_order
from pideai_whatsapp.text.message import Composed
from pideai_whatsapp.text.preview import MEANINGS, SAMPLE_ITEMS, SAMPLE_ORDER, preview, tokens_of, unknown_in
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import DEFAULT_TEXTS, TEMPLATE_NAMES, MessageType

BODY_MAX_CHARS: Final = 4_000
"""A little less than a message may have: values are longer than their tokens."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a template may hold."""

    name: str
    meaning: str
    example: str


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One of a store's eight templates.

    Attributes:
        is_own: False while the store has no row of this kind: then the body is ours.
        unknown: Names in the body that are no tokens of its kind; customers see them as they are.
    """

    kind: MessageType
    name: str
    body: str
    is_active: bool
    is_own: bool
    tokens: tuple[Token, ...]
    unknown: tuple[str, ...] = ()
    updated_at: datetime | None = None


class TemplateStore:
    """The templates of one store.

    Args:
        db: The host's database.
        store_id: Whose.
        base_domain: The domain of the stores' pages, for examples.
    """

    def __init__(self, db: Database, store_id: UUID, *, base_domain: str) -> None:
        self._db = db
        self._store_id = store_id
        self._base_domain = base_domain

    async def initialise(self) -> None:
        """Write what the store has no text of: by the shop's own function where it is there, else ours. Idempotent."""
        row = await self._db.fetch_one(statement("templates_function"))
        if row is not None and row["is_there"]:
            await self._db.execute(statement("templates_by_function"), {"store_id": self._store_id})
        texts = [
            {
                "kind": kind,
                "name": name,
                "body": DEFAULT_TEXTS[kind],
                "is_active": kind is not MessageType.ORDER_CANCELLED,
            }
            for kind, name in TEMPLATE_NAMES.items()
        ]
        await self._db.execute(
            statement("templates_add"), {"store_id": self._store_id, "texts": msgspec.json.encode(texts).decode()}
        )

    async def list(self) -> tuple[Template, ...]:
        """Return all eight, in the order in which they are shown.

        Raises:
            StoreUnknown: the store is gone.
        """
        store = await self._store()
        rows = await self._db.fetch(statement("templates"), {"store_id": self._store_id})
        own = {row["template_type"]: row for row in rows}
        return tuple(self._template(kind, own.get(kind.value), store) for kind in TEMPLATE_NAMES)

    async def update(self, kind: MessageType, *, body: str | None = None, is_active: bool | None = None) -> Template:
        """Change a template's text, or switch it; what is None stays.

        Raises:
            TemplateRejected: the kind has no template, or the text is empty, too long, or holds tokens unknown to it.
            StoreUnknown: the store is gone.
        """
        _require_template(kind)
        store = await self._store()
        if body is not None:
            require_body(kind, body, store)
        row = await self._db.fetch_one(
            statement("template_update"),
            {
                "store_id": self._store_id,
                "kind": kind.value,
                "name": TEMPLATE_NAMES[kind],
                "body": body,
                "default_body": DEFAULT_TEXTS[kind],
                "is_active": is_active,
            },
        )
        return self._template(kind, row, store)

    async def preview(self, kind: MessageType, *, body: str | None = None) -> Composed:
        """Write a text, or the one that holds now, as a customer would read it; unknown tokens are named, not refused.

        Raises:
            TemplateRejected: the kind has no template, or the text is empty or too long.
            StoreUnknown: the store is gone.
        """
        _require_template(kind)
        store = await self._store()
        if body is None:
            rows = await self._db.fetch(statement("templates"), {"store_id": self._store_id})
            own = {row["template_type"]: row["message_body"] for row in rows}
            body = own.get(kind.value, DEFAULT_TEXTS[kind])
        else:
            _require_size(body)
        return preview(kind, body, store, base_domain=self._base_domain)

    async def preview_order(self, order_type: str, *, at: datetime, template: str | None = None) -> Composed:
        """Write the sample order as a whole, by a text or by the store's template of an order type.

        Raises:
            TemplateRejected: the text is empty or too long.
            StoreUnknown: the store is gone.
        """
        if template is not None:
            _require_size(template)
        store = await self._store()
        row = await self._db.fetch_one(statement("order_style"), {"store_id": self._store_id, "order_id": None})
        if row is None:
            raise StoreUnknown(self._store_id)
        message = OrderMessage(
            order=msgspec.structs.replace(SAMPLE_ORDER, order_type=order_type),
            items=SAMPLE_ITEMS,
            store=store,
            style=order_style_of(row),
            base_domain=self._base_domain,
            at=at,
        )
        return write_order(message, template=template)

    async def _store(self) -> Store:
        row = await self._db.fetch_one(statement("store"), {"store_id": self._store_id})
        if row is None:
            raise StoreUnknown(self._store_id)
        return store_of(row)

    def _template(self, kind: MessageType, row: Mapping[str, Any] | None, store: Store) -> Template:
        examples = tokens_of(kind, store, base_domain=self._base_domain)
        body = DEFAULT_TEXTS[kind] if row is None else row["message_body"]
        return Template(
            kind=kind,
            name=TEMPLATE_NAMES[kind] if row is None else row["template_name"],
            body=body,
            is_active=True if row is None else row["is_active"],
            is_own=row is not None,
            tokens=tuple(Token(name=name, meaning=MEANINGS[name], example=one) for name, one in examples.items()),
            unknown=unknown_in(kind, body, store),
            updated_at=None if row is None else row["updated_at"],
        )


def require_body(kind: MessageType, body: str, store: Store) -> None:
    """Refuse a text that is empty, too long, or holds tokens that its kind does not know.

    Raises:
        TemplateRejected: with the unknown names, and those that are known.
    """
    _require_size(body)
    unknown = unknown_in(kind, body, store)
    if unknown:
        raise TemplateRejected(
            "La plantilla usa campos que no existen: " + ", ".join(f"{{{name}}}" for name in unknown) + ".",
            unknown=unknown,
            known=tuple(tokens_of(kind, store, base_domain="")),
        )


def _require_size(body: str) -> None:
    if not body.strip():
        raise TemplateRejected("La plantilla está vacía.")
    if len(body) > BODY_MAX_CHARS:
        raise TemplateRejected(f"La plantilla tiene {len(body)} caracteres; caben {BODY_MAX_CHARS}.")


def _require_template(kind: MessageType) -> None:
    if kind not in TEMPLATE_NAMES:
        raise TemplateRejected(f"No hay plantillas de tipo {kind}.")
