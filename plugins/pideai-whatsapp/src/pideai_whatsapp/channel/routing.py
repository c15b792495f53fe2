"""Calls that name no store in their address: only Meta's, whose posts may hold several stores, are taken."""

from uuid import UUID

from pideai_host.api import WebhookLookup, WebhookReply, WebhookRequest


async def route_call(request: WebhookRequest, lookup: WebhookLookup) -> list[UUID] | WebhookReply:
    """Say which stores a call is for, or answer it at once."""
    lookup.log.warning("whatsapp webhook without a store refused", method=request.method)
    return WebhookReply(status=401)
