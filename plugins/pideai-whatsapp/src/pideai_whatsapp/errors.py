"""The errors of this package that are no provider's; `providers.base` draws those.

    PideaiError
    ├── PhoneUnusable        the order's phone cannot be a phone
    ├── AmountUnusable       an amount that no customer could read: not a number, or beyond all sense
    ├── RecordLost           a row of whatsapp_messages that must be there is not
    ├── MessageIdTaken       a message is to be queued under the id of another store's
    └── ChannelBusy          a channel is changed by others all the time

Messages are Spanish where the owner reads them in the delivery log.
"""

from pideai_host.api import PideaiError


class PhoneUnusable(PideaiError):  # noqa: N818 - a condition of the order, not a fault of ours
    """The customer's phone is missing or cannot be a phone; trying again cannot help."""

    code = "phone_unusable"


class AmountUnusable(PideaiError):  # noqa: N818 - a condition of the order, not a fault of ours
    """An amount of the order is not a finite number of a sensible size."""

    code = "amount_unusable"


class RecordLost(PideaiError):  # noqa: N818 - a condition of the database
    """An update met no row where one must be: row security hides it, or someone deleted it."""

    code = "record_lost"


class MessageIdTaken(PideaiError):  # noqa: N818 - a condition of the request
    """A message was to be queued under an id that another store's message has."""

    code = "message_id_taken"


class ChannelBusy(PideaiError):  # noqa: N818 - a condition of the database
    """A channel was changed by others each time that it was to be written; the same may be tried again."""

    code = "channel_busy"
