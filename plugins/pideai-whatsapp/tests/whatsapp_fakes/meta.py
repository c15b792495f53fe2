"""A stand-in for Meta's Cloud API and its webhooks: the one place that imitates it.

Checked against Meta's documentation and the source of a client library, never against Meta itself: bodies of the
request and of the answer, error bodies, reports, and their signature over raw bytes with non-ASCII escaped.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from whatsapp_fakes.server import FakeServer

NUMBER_ID: Final = "106540352242922"
TOKEN: Final = "meta-access-token"
APP_SECRET: Final = "meta-app-secret"
VERIFY_TOKEN: Final = "meta-verify-token"


@dataclass
class MetaMessage:
    """A message that Meta took."""

    message_id: str
    number_id: str
    body: dict[str, Any]


class FakeMeta(FakeServer):
    """`async with FakeMeta() as fake`: then `fake.url` answers.

    Attributes:
        tokens: Phone number id -> access token.
        unreachable: Digits that are refused at once with 131026.
        sent: What was taken, in order.
        asked: Numbers that were asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {NUMBER_ID: TOKEN}
        self.unreachable: set[str] = set()
        self.sent: list[MetaMessage] = []
        self.asked: list[str] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/{version}/{number}/messages", self._send)
        router.add_get("/{version}/{number}", self._number)

    def status(self, message_id: str, status: str, code: int | None = None, details: str = "") -> dict[str, Any]:
        """Return the report of a message's status, to be posted with `post`."""
        message = next(one for one in self.sent if one.message_id == message_id)
        report: dict[str, Any] = {
            "id": message_id,
            "status": status,
            "timestamp": "1795353726",
            "recipient_id": message.body["to"],
        }
        if "biz_opaque_callback_data" in message.body:
            report["biz_opaque_callback_data"] = message.body["biz_opaque_callback_data"]
        if code is not None:
            report["errors"] = [{"code": code, "title": "?", "message": "?", "error_data": {"details": details}}]
        return change(message.number_id, statuses=[report])

    def post(self, url: str, *changes: dict[str, Any]) -> None:
        """Post changes to the app's webhook, one entry each, signed."""
        self.poster.post(url, *signed(*changes))

    async def _number(self, request: web.Request) -> web.StreamResponse:
        """Show a number to the token that opens it; to any other good token it is not there."""
        number, given = request.match_info["number"], request.headers.get("authorization")
        self.asked.append(number)
        if self.canned:
            return await self.answer_canned(request, self.canned.popleft())
        if given not in [f"Bearer {token}" for token in self.tokens.values()]:
            return _error(401, 190, "Invalid OAuth access token.")
        if given != f"Bearer {self.tokens.get(number)}":
            return _error(400, 100, "Unsupported get request. Object does not exist or cannot be loaded")
        return web.json_response({"id": number, "display_phone_number": "+1 555-078-3881"})

    async def _send(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        self.requests.append((number, await request.text()))
        if self.canned:
            return await self.answer_canned(request, self.canned.popleft())
        if request.headers.get("authorization") != f"Bearer {self.tokens.get(number)}":
            return _error(401, 190, "Invalid OAuth access token.")
        body = await request.json()
        if fault := _fault(body):
            return _error(400, *fault)
        if body["to"] in self.unreachable:
            return _error(400, 131026, "Message undeliverable")
        message = MetaMessage(message_id=f"wamid.{uuid4().hex}", number_id=number, body=body)
        self.sent.append(message)
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": body["to"]}],
            "messages": [{"id": message.message_id, "message_status": "accepted"}],
        }
        return self.on_its_way(request, web.json_response(answer))


def change(number_id: str, *, field: str = "messages", **value: Any) -> dict[str, Any]:
    """Return one change of a report: `statuses` or `messages` of one number."""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}


def text_message(digits: str, text: str) -> dict[str, Any]:
    """Return what a customer wrote, for `change(messages=[...])`."""
    message_id = f"wamid.{uuid4().hex}"
    return {"from": digits, "id": message_id, "timestamp": "1795353726", "type": "text", "text": {"body": text}}


def signed(*changes: dict[str, Any], secret: str = APP_SECRET) -> tuple[bytes, dict[str, str]]:
    """Return a report's body and headers."""
    entries = [{"id": "102290129340398", "changes": [one]} for one in changes]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}


def _fault(body: dict[str, Any]) -> tuple[int, str] | None:
    kind = body.get("type")
    if body.get("messaging_product") != "whatsapp" or kind not in ("text", "image", "template"):
        return 100, "Invalid parameter"
    if not isinstance(body.get("to"), str) or not isinstance(body.get(kind), dict):
        return 131008, "Required parameter is missing"
    if kind == "text" and not 0 < len(body["text"].get("body", "")) <= 4_096:
        return 131009, "Parameter value is not valid"
    return None


def _error(status: int, code: int, details: str) -> web.Response:
    error = {
        "message": f"(#{code}) {details}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
    return web.json_response({"error": error}, status=status)
