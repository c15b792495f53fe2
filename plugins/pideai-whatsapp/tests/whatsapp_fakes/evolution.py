"""A stand-in for Evolution API 2.3.6 and 2.3.7: the one place that imitates it.

Checked against what the real server answered: to create, connect, connectionState, restart, logout, delete,
webhook/set, webhook/find, sendText and sendMedia, the order of its guards (instance, then free name, then key), its
schema and business refusals, all five shapes of ``response.message``, the three disguises of a lost session, what it
does to numbers, and the bodies of its webhooks. WhatsApp behind it is imagined: a set of numbers that are not on it, a
state per instance, codes that are scanned by `scan`. Its fixed waits (5 s for create, 2 s for connect) are left out
unless asked.
"""

import asyncio
import json
import re
from base64 import b64encode
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from whatsapp_fakes.server import Canned, FakeServer

__all__ = ("Canned", "FakeEvolution", "Instance", "Sent", "whatsapp_digits")

NEVER_CONNECTED: Final = "Cannot read properties of undefined (reading 'onWhatsApp')"
NO_UPLOAD: Final = "TypeError: Cannot read properties of undefined (reading 'waUploadToServer')"
NO_EVENTS: Final = "Cannot read properties of undefined (reading 'length')"
EVENT_NAMES: Final = frozenset({
    "APPLICATION_STARTUP", "QRCODE_UPDATED", "MESSAGES_SET", "MESSAGES_UPSERT", "MESSAGES_EDITED",
    "MESSAGES_UPDATE", "MESSAGES_DELETE", "SEND_MESSAGE", "SEND_MESSAGE_UPDATE", "CONTACTS_SET", "CONTACTS_UPSERT",
    "CONTACTS_UPDATE", "PRESENCE_UPDATE", "CHATS_SET", "CHATS_UPSERT", "CHATS_UPDATE", "CHATS_DELETE",
    "GROUPS_UPSERT", "GROUP_UPDATE", "GROUP_PARTICIPANTS_UPDATE", "CONNECTION_UPDATE", "LABELS_EDIT",
    "LABELS_ASSOCIATION", "CALL", "TYPEBOT_START", "TYPEBOT_CHANGE_STATUS", "REMOVE_INSTANCE", "LOGOUT_INSTANCE",
    "INSTANCE_CREATE", "INSTANCE_DELETE", "STATUS_INSTANCE",
})  # fmt: skip
_PNG: Final = b64encode(b"\x89PNG\r\n\x1a\n" + b"\x00" * 40).decode()


@dataclass
class Sent:
    """A message that WhatsApp got."""

    instance: str
    number: str
    text: str
    message_id: str
    media: str | None = None


@dataclass
class Instance:
    """What the server keeps of an instance, but for its state."""

    name: str
    webhook: dict[str, Any] | None = None
    number: str | None = None
    phone: str | None = None
    code: str | None = None
    pairing_code: str | None = None
    count: int = 0
    codes: int = 0

    def qr(self) -> dict[str, Any]:
        if self.code is None:
            return {"count": 0}
        return {
            "pairingCode": self.pairing_code,
            "code": self.code,
            "base64": f"data:image/png;base64,{_PNG}",
            "count": self.count,
        }


@dataclass
class Habits:
    """How the server and WhatsApp behave.

    Attributes:
        receipts: Statuses that WhatsApp reports of each message it got, in this order.
        create_wait_s: How long ``create`` waits for a code.
        is_qr_late: A session brings no code until `FakeEvolution.bring_code`; till then ``connect`` shows the last one.
        echoes_sends: Report send.message for each send.
        sets_back: Report SERVER_ACK once more at the end, as 2.3.7 does.
        stumbles_every: One send in so many is answered 502 by the proxy before the server; 0 for none.
    """

    receipts: tuple[str, ...] = ()
    create_wait_s: float = 0.0
    qr_limit: int = 30
    is_qr_late: bool = False
    echoes_sends: bool = False
    sets_back: bool = False
    stumbles_every: int = 0


class FakeEvolution(FakeServer):
    """`async with FakeEvolution(key) as fake`: then `fake.url` answers.

    Attributes:
        states: Instance name -> open, connecting, close or never; a name that is missing has no instance.
        not_on_whatsapp: Digits that WhatsApp does not know.
        restricted: Digits whose messages are taken with 201 and fail later, with ERROR.
        dead: Instances that say open while every send finds the connection closed.
        canned_calls: Answers for the next calls of a route, such as ``instance/create``, taken in turn.
        calls: Method and path of each other call.
    """

    def __init__(self, key: str = "operator-key") -> None:
        super().__init__()
        self.key = key
        self.habits = Habits()
        self.states: dict[str, str] = {}
        self.instances: dict[str, Instance] = {}
        self.not_on_whatsapp: set[str] = set()
        self.restricted: set[str] = set()
        self.dead: set[str] = set()
        self.canned_calls: defaultdict[str, deque[Canned]] = defaultdict(deque)
        self.sent: list[Sent] = []
        self.calls: list[tuple[str, str]] = []
        self._written = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/message/sendText/{instance}", self._send)
        router.add_post("/message/sendMedia/{instance}", self._send)
        router.add_post("/instance/create", self._create)
        for method, route, handler in (
            ("GET", "instance/connect", self._connect),
            ("GET", "instance/connectionState", self._state),
            ("POST", "instance/restart", self._restart),
            ("DELETE", "instance/logout", self._log_out),
            ("DELETE", "instance/delete", self._delete),
            ("POST", "webhook/set", self._set_webhook),
            ("GET", "webhook/find", self._find_webhook),
        ):
            router.add_route(method, f"/{route}/{{instance}}", self._guarded(route, handler))
        router.add_route("*", "/{path:.*}", self._unknown_route)

    # What happens on the phone and at WhatsApp.

    def bring_code(self, name: str) -> str:
        """Make the next code of a session that is connecting, or give up at the limit; returns the code."""
        instance = self._instance(name)
        if instance.count >= self.habits.qr_limit:
            instance.count = 0
            self.states[name] = "close"
            self.report(
                name, "qrcode.updated", {"message": "QR code limit reached, please login again", "statusCode": 500}
            )
            self.report(name, "connection.update", {"instance": name, "state": "refused", "statusReason": 428})
            return instance.code or ""
        instance.count += 1
        instance.codes += 1
        instance.code = f"2@{name}-{instance.codes}"
        instance.pairing_code = f"PAIR{instance.codes:04}" if instance.number else None
        qr = {"instance": name, **{k: v for k, v in instance.qr().items() if k != "count"}}
        self.report(name, "qrcode.updated", {"qrcode": qr})
        return instance.code

    def scan(self, name: str, phone: str) -> None:
        """Link a phone."""
        self.states[name] = "open"
        self._instance(name).phone = phone
        data = {"instance": name, "wuid": f"{phone}@s.whatsapp.net", "profileName": "La tienda", "state": "open"}
        self.report(name, "connection.update", {**data, "profilePictureUrl": None, "statusReason": 200})

    def unlink(self, name: str, code: int = 401) -> None:
        """End the session for good, as the phone's owner or WhatsApp (403) does; three reports, in no order."""
        self.states[name] = "close"
        gone = {"instance": name, "status": "closed", "disconnectionReasonCode": code, "disconnectionObject": "{}"}
        self.report(name, "status.instance", {**gone, "disconnectionAt": "2026-11-22T10:00:00.000Z"})
        self.report(name, "logout.instance", None)
        self.report(name, "connection.update", {"instance": name, "state": "close", "statusReason": code})

    def storm(self, name: str, reports: int) -> None:
        """Reconnect in a tight loop, as the server does while WhatsApp cannot be reached."""
        for _ in range(reports):
            self.report(name, "connection.update", {"instance": name, "state": "connecting", "statusReason": 200})

    async def restart_server(self) -> None:
        """Restart: reports that are not sent are lost; sessions are closed until the test opens them again."""
        await self.poster.lose()
        for name, state in self.states.items():
            if state == "open":
                self.states[name] = "close"

    def progress(self, message_id: str, status: str) -> None:
        """Report how far a message is."""
        sent = next(one for one in self.sent if one.message_id == message_id)
        self._report_progress(sent, status)

    def write(self, name: str, digits: str, text: str, **key: Any) -> str:
        """Let a customer write; `key` overrides fields of the message's key."""
        message_id = uuid4().hex[:20].upper()
        self._written += 1
        data = {
            "key": {"remoteJid": f"{digits}@s.whatsapp.net", "fromMe": False, "id": message_id, **key},
            "pushName": "Ana",
            "status": "DELIVERY_ACK",
            "message": {"conversation": text},
            "messageType": "conversation",
            "messageTimestamp": 1_795_353_726 + self._written,
            "instanceId": "i",
            "source": "android",
        }
        self.report(name, "messages.upsert", data)
        return message_id

    def report(self, name: str, event: str, data: Any) -> None:
        """Post an event to the instance's webhook, if it wants it."""
        hook = self._instance(name).webhook
        if not hook or not hook.get("enabled") or not str(hook.get("url")).startswith(("http://", "https://")):
            return
        wanted = hook.get("events") or EVENT_NAMES
        if event.upper().replace(".", "_").replace("-", "_") not in wanted:
            return
        phone = self._instance(name).phone
        body = {
            "event": event,
            "instance": name,
            "data": data,
            "destination": hook["url"],
            "date_time": "2026-11-22T10:00:00.000Z",
            **({"sender": f"{phone}@s.whatsapp.net"} if phone else {}),
            "server_url": "http://localhost:8080",
            "apikey": "INSTANCE-TOKEN",
        }
        path = f"/{event.replace('.', '-')}" if hook.get("byEvents") else ""
        headers = {"content-type": "application/json", "user-agent": "axios/1.7.9", **(hook.get("headers") or {})}
        self.poster.post(hook["url"] + path, json.dumps(body).encode(), headers)

    # The server's routes.

    async def _unknown_route(self, request: web.Request) -> web.Response:
        return _error(404, "Not Found", [f"Cannot {request.method} {request.path}"])

    def _guarded(self, route: str, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            name = request.match_info["instance"]
            self.calls.append((request.method, request.path_qs))
            if self.canned_calls[route]:
                return await self.answer_canned(request, self.canned_calls[route].popleft())
            if refusal := self._refusal(request, name):
                return refusal
            return await handler(request, name)

        return guarded

    def _refusal(self, request: web.Request, name: str) -> web.Response | None:
        if name not in self.states:
            return _error(404, "Not Found", [f'The "{name}" instance does not exist'])
        if request.headers.get("apikey") != self.key:
            return _error(401, "Unauthorized", "Unauthorized")
        return None

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((request.method, request.path_qs))
        if self.canned_calls["instance/create"]:
            return await self.answer_canned(request, self.canned_calls["instance/create"].popleft())
        body = await request.json()
        name = body.get("instanceName", "")
        if name in self.states:
            return _error(403, "Forbidden", [f'This name "{name}" is already in use.'])
        if request.headers.get("apikey") != self.key:
            return _error(401, "Unauthorized", "Unauthorized")
        if body.get("integration") not in ("WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION"):
            return _error(400, "Bad Request", ["Invalid integration"])
        hook = body.get("webhook")
        if hook and not isinstance(hook.get("events"), list):
            return _error(400, "Bad Request", [NO_EVENTS])
        self.instances[name] = Instance(name=name, webhook={**hook, "enabled": True} if hook else None)
        self.instances[name].number = body.get("number")
        self.states[name] = "close"
        self.report(name, "instance.create", {"instanceName": name, "instanceId": "i"})
        return web.json_response(await self._created(name, with_qr=body.get("qrcode") is True), status=201)

    async def _created(self, name: str, *, with_qr: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "instance": {"instanceName": name, "instanceId": str(uuid4()), "integration": "WHATSAPP-BAILEYS"},
            "hash": "INSTANCE-TOKEN",
            "webhook": {},
            "settings": {},
        }
        if with_qr:
            self._open_session(name)
            await asyncio.sleep(self.habits.create_wait_s)
            answer["qrcode"] = self.instances[name].qr()
        answer["instance"]["status"] = self.states[name]
        return answer

    async def _connect(self, request: web.Request, name: str) -> web.Response:
        instance = self._instance(name)
        if number := request.query.get("number"):
            instance.number = number
        if self.states[name] == "open":
            return web.json_response(self._state_of(name))
        if self.states[name] in ("close", "never"):
            self._open_session(name)
        return web.json_response(instance.qr())

    def _open_session(self, name: str) -> None:
        self.states[name] = "connecting"
        instance = self._instance(name)
        instance.count = 0
        self.storm(name, 1)
        if not self.habits.is_qr_late:
            self.bring_code(name)

    async def _state(self, _: web.Request, name: str) -> web.Response:
        return web.json_response(self._state_of(name))

    async def _restart(self, _: web.Request, name: str) -> web.Response:
        if self.states[name] in ("close", "never"):
            return web.json_response({"error": True, "message": "[object Object]"})
        if self.states[name] == "connecting":
            return web.json_response(self._instance(name).qr())
        self.dead.discard(name)
        self.storm(name, 1)
        self.scan(name, self._instance(name).phone or "580000000000")
        return web.json_response(self._state_of(name))

    async def _log_out(self, _: web.Request, name: str) -> web.Response:
        if self.states[name] in ("close", "never"):
            return _error(400, "Bad Request", [f'The "{name}" instance is not connected'])
        if name in self.dead:
            return _error(500, "Internal Server Error", "Connection Closed")
        self.unlink(name)
        return _success("Instance logged out")

    async def _delete(self, _: web.Request, name: str) -> web.Response:
        self.report(name, "remove.instance", None)
        self.report(name, "instance.delete", {"instanceName": name, "instanceId": "i"})
        del self.states[name]
        self.instances.pop(name, None)
        self.dead.discard(name)
        return _success("Instance deleted")

    async def _set_webhook(self, request: web.Request, name: str) -> web.Response:
        hook = (await request.json()).get("webhook")
        faults = [
            f'instance requires property "{field_name}"'
            for field_name, kind in (("enabled", bool), ("url", str))
            if not isinstance(hook, dict) or not isinstance(hook.get(field_name), kind)
        ]
        if faults:
            return _error(400, "Bad Request", [faults])
        if not isinstance(hook.get("events"), list):
            return _error(500, "Internal Server Error", NO_EVENTS)
        if not EVENT_NAMES.issuperset(hook["events"]):
            return _error(400, "Bad Request", [["instance.webhook.events is not one of enum values"]])
        self._instance(name).webhook = hook
        return web.json_response({"id": "w", **hook}, status=201)

    async def _find_webhook(self, _: web.Request, name: str) -> web.Response:
        return web.json_response(self._instance(name).webhook)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["instance"]
        raw = await request.text()
        self.requests.append((name, raw))
        if self.canned:
            return await self.answer_canned(request, self.canned.popleft())
        if self.habits.stumbles_every and len(self.requests) % self.habits.stumbles_every == 0:
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        if refusal := self._refusal(request, name):
            return refusal
        answer = self._take(name, raw, is_media="sendMedia" in request.path)
        return self.on_its_way(request, answer) if answer.status == 201 else answer

    def _take(self, name: str, raw: str, *, is_media: bool) -> web.Response:
        try:
            body = json.loads(raw)
        except ValueError as problem:
            return _error(400, "Internal Server Error", f"Unexpected token {problem}")
        required = ("number", "mediatype", "media") if is_media else ("number", "text")
        faults = [f'instance requires property "{one}"' for one in required if not isinstance(body.get(one), str)]
        if faults:
            return _error(400, "Bad Request", [faults])
        if not is_media and not body["text"].strip():
            return _error(400, "Bad Request", ["Text is required"])
        if is_media and not re.match(r"https?://[^/:]+\.[a-z]{2,}(/|$)", body["media"]):
            return _error(400, "Bad Request", ["Owned media must be a url or base64"])
        text = body.get("caption", "") if is_media else body["text"]
        return self._hand_over(name, body["number"], text, media=body["media"] if is_media else None)

    def _hand_over(self, name: str, number: str, text: str, *, media: str | None) -> web.Response:
        state = self.states[name]
        digits = re.sub(r"\D", "", number)
        if state == "never":
            return _error(500, "Internal Server Error", [NO_UPLOAD] if media else NEVER_CONNECTED)
        if state == "connecting":
            return _error(500, "Internal Server Error", "Connection Closed")
        if digits in self.not_on_whatsapp:
            jid = f"{digits}@s.whatsapp.net"
            return _error(400, "Bad Request", [{"jid": jid, "exists": False, "number": digits}])
        if len(digits) >= 18:
            return _error(400, "Bad Request", ["[object Object]"])
        if state == "close" or name in self.dead:
            return _error(400, "Bad Request", ["Error: Connection Closed"])
        message_id = "3EB0" + uuid4().hex[:18].upper()
        sent = Sent(instance=name, number=number, text=text, message_id=message_id, media=media)
        self.sent.append(sent)
        receipt = _receipt(digits, text, message_id, is_media=media is not None)
        self._report_send(sent, receipt)
        return web.json_response(receipt, status=201)

    def _report_send(self, sent: Sent, receipt: dict[str, Any]) -> None:
        if self.habits.echoes_sends:
            self.report(sent.instance, "send.message", receipt)
        statuses = ("ERROR",) if re.sub(r"\D", "", sent.number) in self.restricted else self.habits.receipts
        for status in statuses:
            self._report_progress(sent, status)
        if self.habits.sets_back:
            self._report_progress(sent, "SERVER_ACK")

    def _report_progress(self, sent: Sent, status: str) -> None:
        jid = f"{whatsapp_digits(re.sub(r'[^0-9]', '', sent.number))}@s.whatsapp.net"
        data = {"keyId": sent.message_id, "remoteJid": jid, "fromMe": True, "status": status, "instanceId": "i"}
        self.report(sent.instance, "messages.update", {**data, "messageId": "row"})

    def _instance(self, name: str) -> Instance:
        return self.instances.setdefault(name, Instance(name=name))

    def _state_of(self, name: str) -> dict[str, Any]:
        state = self.states[name]
        return {"instance": {"instanceName": name, "state": "close" if state == "never" else state}}


def _error(status: int, name: str, message: Any) -> web.Response:
    return web.json_response({"status": status, "error": name, "response": {"message": message}}, status=status)


def _success(message: str) -> web.Response:
    return web.json_response({"status": "SUCCESS", "error": False, "response": {"message": message}})


def _receipt(digits: str, text: str, message_id: str, *, is_media: bool) -> dict[str, Any]:
    return {
        "key": {"remoteJid": f"{whatsapp_digits(digits)}@s.whatsapp.net", "fromMe": True, "id": message_id},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"imageMessage": {"caption": text}} if is_media else {"conversation": text},
        "contextInfo": {"mentionedJid": [], "groupMentions": [], "disappearingMode": {"initiator": 0}},
        "messageType": "imageMessage" if is_media else "conversation",
        "messageTimestamp": 1_795_353_726,
        "instanceId": str(uuid4()),
        "source": "web",
    }


def whatsapp_digits(digits: str) -> str:
    """Do what the server does to Brazilian, Mexican and Argentine numbers."""
    if found := re.fullmatch(r"55([3-9]\d)9([789]\d{7})", digits):
        return f"55{found[1]}{found[2]}"
    if found := re.fullmatch(r"(52|54)[19](\d{10})", digits):
        return f"{found[1]}{found[2]}"
    return digits
