"""The errors of this package that are no provider's; `providers.base` draws those.

    PideaiError, those that an owner can do something about are PluginSignals
    ├── PhoneUnusable        the order's phone cannot be a phone
    ├── AmountUnusable       an amount that no customer could read: not a number, or beyond all sense
    ├── RecordLost           a row of whatsapp_messages that must be there is not
    ├── MessageIdTaken       a message is to be queued under the id of another store's
    ├── ChannelBusy          a channel is changed by others all the time
    ├── TemplateRejected     a template's text is empty, too long, or holds tokens that its kind does not know
    ├── CampaignUnknown      the store has no such campaign
    ├── CampaignRejected     a campaign cannot be kept like that, or not moved from where it is
    ├── MessageRejected      a message that is asked for by hand can never go out
    └── InstanceForeign      the configured instance is another store's phone

Messages are Spanish where the owner reads them in the delivery log.
"""

from pideai_host.api import PideaiError, PluginSignal


class PhoneUnusable(PluginSignal):
    """The customer's phone is missing or cannot be a phone; trying again cannot help."""

    code = "phone_unusable"


class AmountUnusable(PluginSignal):
    """An amount of the order is not a finite number of a sensible size."""

    code = "amount_unusable"


class RecordLost(PideaiError):  # noqa: N818 - a condition of the database
    """An update met no row where one must be: row security hides it, or someone deleted it."""

    code = "record_lost"


class MessageIdTaken(PluginSignal):
    """A message was to be queued under an id that another store's message has."""

    code = "message_id_taken"


class ChannelBusy(PluginSignal):
    """A channel was changed by others each time that it was to be written; the same may be tried again."""

    code = "channel_busy"

    def __init__(self) -> None:
        super().__init__("La conexión de WhatsApp está cambiando en este momento; inténtalo de nuevo.")


class TemplateRejected(PluginSignal):
    """A template's text cannot be kept.

    Attributes:
        unknown: The names in it that are no tokens of its kind.
        known: The names that are.
    """

    code = "template_rejected"

    def __init__(self, message: str, *, unknown: tuple[str, ...] = (), known: tuple[str, ...] = ()) -> None:
        hint = "Campos que existen: " + ", ".join(f"{{{name}}}" for name in known) + "." if known else ""
        super().__init__(message, hint=hint)
        self.unknown = unknown
        self.known = known


class MessageRejected(PluginSignal):
    """A message that the owner wants to send by hand can never go out; the message says why."""

    code = "message_rejected"


class InstanceForeign(PluginSignal):
    """The instance that the store names belongs to another store."""

    code = "instance_foreign"


class CampaignUnknown(PluginSignal):
    """The store has no campaign of that id."""

    code = "campaign_unknown"

    def __init__(self) -> None:
        super().__init__("La tienda no tiene esa campaña.")


class CampaignRejected(PluginSignal):
    """A campaign's text cannot be kept, or the campaign is where it cannot be moved like that."""

    code = "campaign_rejected"
