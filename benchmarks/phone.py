"""Evolution as a message sees it: takes sendText, answers as it does, and notes when the message of an order arrived.

It shares a process with those who post the orders (`benchmarks.probe`), so that one clock is read. An order is known by
its number, which stands in the message behind `MARK`.
"""

from time import perf_counter
from typing import ClassVar, Final

from benchmarks.sink import Sink

MARK: Final = "No. "
NUMBER_CHARS: Final = 8
_ANSWER: Final = (
    b'{"key":{"remoteJid":"584125550134@s.whatsapp.net","fromMe":true,"id":"3EB0%018X"},"status":"PENDING",'
    b'"message":{"conversation":"x"},"messageType":"conversation","messageTimestamp":1795353726,"source":"web"}'
)


class Phone(Sink):
    """One connection of the provider's server.

    Attributes:
        arrived_s: When the message of an order came, by the order's number; the first one's time.
        again: How many came for an order that had one.
    """

    arrived_s: ClassVar[dict[bytes, float]] = {}
    again: ClassVar[list[bytes]] = []

    def take(self, head: bytes, body: bytes) -> bytes:  # noqa: ARG002 - the sink's
        """Note a message, and answer that it is handed to the socket."""
        start = body.find(MARK.encode()) + len(MARK.encode())
        number = body[start : start + NUMBER_CHARS]
        if number in self.arrived_s:
            self.again.append(number)
        else:
            self.arrived_s[number] = perf_counter()
        self.counts.posts += 1
        answer = _ANSWER % self.counts.posts
        return b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(answer),
            answer,
        )


def number_of(order: bytes) -> bytes:
    """Return the number by which people, and messages, know an order."""
    return order[:NUMBER_CHARS].upper()
