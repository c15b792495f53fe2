"""The plugin's own routes, below ``/api/stores/{store_id}/whatsapp``: one module a subject.

What an owner does wrong is said in Spanish, by `PluginSignal`s whose `code` is the problem's `reason`.
"""

from typing import Any

from pideai_whatsapp.routes.campaigns import campaign_routes
from pideai_whatsapp.routes.channel import connect, disconnect, get_status, stream_status
from pideai_whatsapp.routes.credits import get_credits
from pideai_whatsapp.routes.messages import list_messages, send_message
from pideai_whatsapp.routes.opt_outs import add_opt_out, list_opt_outs, remove_opt_out
from pideai_whatsapp.routes.settings import get_settings, update_settings
from pideai_whatsapp.routes.templates import list_templates, preview_template, update_template
from pideai_whatsapp.routes.whole_order import preview_order


def all_routes() -> list[Any]:
    """Return every route."""
    return [
        connect,
        get_status,
        stream_status,
        disconnect,
        send_message,
        list_messages,
        get_credits,
        list_templates,
        update_template,
        preview_template,
        preview_order,
        list_opt_outs,
        add_opt_out,
        remove_opt_out,
        get_settings,
        update_settings,
        *campaign_routes(),
    ]
