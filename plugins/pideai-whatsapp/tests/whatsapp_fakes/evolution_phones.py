"""What happens behind Evolution's stand-in: on the phones that stores link, and at WhatsApp, which is imagined.

A set of numbers that are not on it, a state per instance, codes that are scanned by `scan`. Whatever happens is
reported to the instance's webhook, as the server does.
"""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from whatsapp_fakes.server import FakeServer

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


class Phones(FakeServer):
    """The instances of an Evolution server, and what their owners, customers and WhatsApp do.

    Attributes:
        states: Instance name -> open, connecting, close or never; a name that is missing has no instance.
        not_on_whatsapp: Digits that WhatsApp does not know.
        restricted: Digits whose messages are taken with 201 and fail later, with ERROR.
        dead: Instances that say open while every send finds the connection closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.habits = Habits()
        self.states: dict[str, str] = {}
        self.instances: dict[str, Instance] = {}
        self.not_on_whatsapp: set[str] = set()
        self.restricted: set[str] = set()
        self.dead: set[str] = set()
        self.sent: list[Sent] = []
        self._written = 0

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


def whatsapp_digits(digits: str) -> str:
    """Do what the server does to Brazilian, Mexican and Argentine numbers."""
    if found := re.fullmatch(r"55([3-9]\d)9([789]\d{7})", digits):
        return f"55{found[1]}{found[2]}"
    if found := re.fullmatch(r"(52|54)[19](\d{10})", digits):
        return f"{found[1]}{found[2]}"
    return digits
