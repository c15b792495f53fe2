"""A stand-in for Evolution API 2.3.6 and 2.3.7: the one place that imitates it.

Checked against what the real server answered: to create, connect, connectionState, restart, logout, delete,
webhook/set, webhook/find, sendText and sendMedia, the order of its guards (instance, then free name, then key), its
schema and business refusals, all five shapes of ``response.message``, the three disguises of a lost session, what it
does to numbers, and the bodies of its webhooks. WhatsApp behind it is imagined, in `evolution_phones`. Its fixed waits
(5 s for create, 2 s for connect) are left out unless asked.
"""

import asyncio
import json
import re
from collections import defaultdict, deque
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from whatsapp_fakes.evolution_phones import EVENT_NAMES, Instance, Phones, Sent, whatsapp_digits
from whatsapp_fakes.server import Canned

__all__ = ("Canned", "FakeEvolution", "Instance", "Sent", "whatsapp_digits")

NEVER_CONNECTED: Final = "Cannot read properties of undefined (reading 'onWhatsApp')"
NO_UPLOAD: Final = "TypeError: Cannot read properties of undefined (reading 'waUploadToServer')"
NO_EVENTS: Final = "Cannot read properties of undefined (reading 'length')"


class FakeEvolution(Phones):
    """`async with FakeEvolution(key) as fake`: then `fake.url` answers.

    Attributes:
        canned_calls: Answers for the next calls of a route, such as ``instance/create``, taken in turn.
        calls: Method and path of each other call.
    """

    def __init__(self, key: str = "operator-key") -> None:
        super().__init__()
        self.key = key
        self.canned_calls: defaultdict[str, deque[Canned]] = defaultdict(deque)
        self.calls: list[tuple[str, str]] = []

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
