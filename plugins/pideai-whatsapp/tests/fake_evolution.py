"""A stand-in for Evolution API 2.3.6 and 2.3.7 on a real loopback socket: the one place that imitates it.

Checked against what the real server answered to sendText: the receipt, the order of its guards (instance, then key),
its schema and business refusals, all five shapes of ``response.message``, the three disguises of a lost session, and
what it does to numbers. WhatsApp behind it is imagined: a set of numbers that are not on it, and a state per instance.
"""

import asyncio
import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from aiohttp import web

NEVER_CONNECTED = "Cannot read properties of undefined (reading 'onWhatsApp')"


@dataclass
class Canned:
    """An answer that is given instead of the real one; `hangs` never answers, `drops` closes the connection."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    hangs: bool = False
    drops: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """A message that WhatsApp got."""

    instance: str
    number: str
    text: str
    message_id: str


class FakeEvolution:
    """`async with FakeEvolution(key) as fake`: then `fake.url` answers.

    Attributes:
        states: Instance name -> open, connecting, close or never; a name that is missing has no instance.
        not_on_whatsapp: Digits that WhatsApp does not know.
        canned: Answers for the next calls, taken in turn.
        hanging: Set once a call hangs.
    """

    def __init__(self, key: str = "operator-key") -> None:
        self.key = key
        self.states: dict[str, str] = {}
        self.not_on_whatsapp: set[str] = set()
        self.canned: deque[Canned] = deque()
        self.sent: list[Sent] = []
        self.requests: list[tuple[str, str]] = []
        self.url = ""
        self.hanging = asyncio.Event()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/message/sendText/{instance}", self._send_text)
        app.router.add_route("*", "/{path:.*}", self._unknown_route)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _unknown_route(self, request: web.Request) -> web.Response:
        return _error(404, "Not Found", [f"Cannot {request.method} {request.path}"])

    async def _send_text(self, request: web.Request) -> web.StreamResponse:
        instance = request.match_info["instance"]
        self.requests.append((instance, await request.text()))
        if self.canned:
            return await self._answer_canned(request, self.canned.popleft())
        if instance not in self.states:
            return _error(404, "Not Found", [f'The "{instance}" instance does not exist'])
        if request.headers.get("apikey") != self.key:
            return _error(401, "Unauthorized", "Unauthorized")
        return self._take(instance, await request.text())

    def _take(self, instance: str, raw: str) -> web.Response:
        try:
            body = json.loads(raw)
        except ValueError as problem:
            return _error(400, "Internal Server Error", f"Unexpected token {problem}")
        faults = [
            f'instance requires property "{name}"' for name in ("number", "text") if not isinstance(body.get(name), str)
        ]
        if faults:
            return _error(400, "Bad Request", [faults])
        if not body["text"].strip():
            return _error(400, "Bad Request", ["Text is required"])
        return self._hand_over(instance, body["number"], body["text"])

    def _hand_over(self, instance: str, number: str, text: str) -> web.Response:
        state = self.states[instance]
        digits = re.sub(r"\D", "", number)
        if state == "never":
            return _error(500, "Internal Server Error", NEVER_CONNECTED)
        if state == "connecting":
            return _error(500, "Internal Server Error", "Connection Closed")
        if digits in self.not_on_whatsapp:
            jid = f"{digits}@s.whatsapp.net"
            return _error(400, "Bad Request", [{"jid": jid, "exists": False, "number": digits}])
        if len(digits) >= 18:
            return _error(400, "Bad Request", ["[object Object]"])
        if state == "close":
            return _error(400, "Bad Request", ["Error: Connection Closed"])
        message_id = "3EB0" + uuid4().hex[:18].upper()
        self.sent.append(Sent(instance=instance, number=number, text=text, message_id=message_id))
        return web.json_response(_receipt(digits, text, message_id), status=201)

    async def _answer_canned(self, request: web.Request, answer: Canned) -> web.StreamResponse:
        if answer.hangs:
            self.hanging.set()
            await self._released.wait()
        if answer.drops or answer.hangs:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        payload = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        return web.Response(status=answer.status, body=payload, headers=answer.headers, content_type="application/json")


def _error(status: int, name: str, message: Any) -> web.Response:
    return web.json_response({"status": status, "error": name, "response": {"message": message}}, status=status)


def _receipt(digits: str, text: str, message_id: str) -> dict[str, Any]:
    return {
        "key": {"remoteJid": f"{whatsapp_digits(digits)}@s.whatsapp.net", "fromMe": True, "id": message_id},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": text},
        "contextInfo": {"mentionedJid": [], "groupMentions": [], "disappearingMode": {"initiator": 0}},
        "messageType": "conversation",
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
