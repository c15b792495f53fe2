"""A stand-in for Twilio's Messages resource and its status callbacks: the one place that imitates it.

Checked against Twilio's documentation and its Python library's source, never against Twilio itself: fields of the
request and of the answer, error bodies, statuses. Its signing follows the rule whose vectors `test_twilio_webhook`
holds the package to.
"""

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web

from whatsapp_fakes.server import FakeServer

ACCOUNT: Final = "AC" + "a1" * 16
TOKEN: Final = "twilio-auth-token"
SENDER: Final = "+14155238886"


@dataclass
class TwilioMessage:
    """A message that Twilio took."""

    sid: str
    form: dict[str, str]
    status: str = "queued"
    error_code: int | None = None

    def record(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "status": self.status,
            "error_code": self.error_code,
            "error_message": None,
            "to": self.form.get("To"),
            "from": self.form.get("From"),
            "body": self.form.get("Body", ""),
            "num_segments": "1",
            "num_media": "1" if "MediaUrl" in self.form else "0",
            "direction": "outbound-api",
            "date_created": "Sun, 22 Nov 2026 10:00:00 +0000",
            "price": None,
            "messaging_service_sid": self.form.get("MessagingServiceSid"),
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}.json",
        }


@dataclass
class TwilioHabits:
    """Who may send, and whom Twilio refuses."""

    keys: dict[str, str] = field(default_factory=lambda: {ACCOUNT: TOKEN})
    unreachable: set[str] = field(default_factory=set)


class FakeTwilio(FakeServer):
    """`async with FakeTwilio() as fake`: then `fake.url` answers.

    Attributes:
        habits: `keys` are users and passwords; `unreachable` are E.164 numbers refused with 21211.
        sent: What was taken, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.habits = TwilioHabits()
        self.sent: list[TwilioMessage] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._send)
        router.add_get("/2010-04-01/Accounts/{account}/Messages/{sid}.json", self._find)

    def progress(self, sid: str, status: str, error_code: int | None = None) -> None:
        """Move a message on and report it to its StatusCallback, signed."""
        message = next(one for one in self.sent if one.sid == sid)
        message.status, message.error_code = status, error_code
        url = message.form.get("StatusCallback")
        if url is None:
            return
        fields = {
            "MessageSid": sid,
            "SmsSid": sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "AccountSid": ACCOUNT,
            "From": message.form.get("From", f"whatsapp:{SENDER}"),
            "To": message.form["To"],
            "ApiVersion": "2010-04-01",
            "ChannelPrefix": "whatsapp",
        }
        if error_code is not None:
            fields["ErrorCode"] = str(error_code)
        self._post(url, fields)

    def write(self, url: str, phone: str, text: str) -> str:
        """Let a customer write; the account's webhook is `url`."""
        sid = "SM" + uuid4().hex
        fields = {
            "MessageSid": sid,
            "SmsStatus": "received",
            "AccountSid": ACCOUNT,
            "From": f"whatsapp:{phone}",
            "To": f"whatsapp:{SENDER}",
            "Body": text,
            "NumMedia": "0",
            "ProfileName": "Ana",
            "WaId": phone.removeprefix("+"),
        }
        self._post(url, fields)
        return sid

    def _post(self, url: str, fields: dict[str, str]) -> None:
        text = url + "".join(name + fields[name] for name in sorted(fields))
        signature = b64encode(hmac.new(TOKEN.encode(), text.encode(), sha1).digest()).decode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "TwilioProxy/1.1",
            "x-twilio-signature": signature,
        }
        self.poster.post(url, urlencode(fields).encode(), headers)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append((request.match_info["account"], json.dumps(form)))
        if self.canned:
            return await self.answer_canned(request, self.canned.popleft())
        if refusal := self._refusal(request):
            return refusal
        if fault := self._fault(form):
            return _error(400, *fault)
        message = TwilioMessage(sid="SM" + uuid4().hex, form=form)
        if "MessagingServiceSid" in form:
            message.status = "accepted"
        self.sent.append(message)
        return self.on_its_way(request, web.json_response(message.record(), status=201))

    def _fault(self, form: dict[str, str]) -> tuple[int, str] | None:
        to = form.get("To", "")
        if not to.startswith("whatsapp:+") or to.removeprefix("whatsapp:") in self.habits.unreachable:
            return 21211, f"The 'To' number {to} is not a valid phone number."
        if "From" not in form and "MessagingServiceSid" not in form:
            return 21603, "A 'From' phone number is required."
        if not {"Body", "MediaUrl", "ContentSid"} & form.keys():
            return 21619, "A text message body or media urls must be specified."
        if len(form.get("Body", "")) > 1_600:
            return 21617, "The concatenated message body exceeds the 1600 character limit."
        if "ContentVariables" in form and not isinstance(json.loads(form["ContentVariables"]), dict):
            return 21656, "The ContentVariables Parameter is invalid."
        return None

    async def _find(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return refusal
        sid = request.match_info["sid"]
        message = next((one for one in self.sent if one.sid == sid), None)
        if message is None:
            return _error(404, 20404, "The requested resource was not found")
        return web.json_response(message.record())

    def _refusal(self, request: web.Request) -> web.Response | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        user, _, password = b64decode(encoded).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if self.habits.keys.get(user) != password:
            return _error(401, 20003, "Authenticate")
        return None


def _error(status: int, code: int, message: str) -> web.Response:
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return web.json_response({**body, "status": status}, status=status)
