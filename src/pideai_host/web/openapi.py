"""What the API's description says of every operation: who may call it, and how errors look."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, Example, SecurityScheme, Tag

from pideai_host.web.docs_page import DocsPage, DocumentPlugin
from pideai_host.web.examples import PROBLEMS
from pideai_host.web.problems import MEDIA_TYPE, TABLE, Problem

OWNER: Final[Sequence[dict[str, list[str]]]] = [{"owner": []}]
ADMIN: Final[Sequence[dict[str, list[str]]]] = [{"admin": []}]
WEBHOOK_SECRET: Final[Sequence[dict[str, list[str]]]] = [{"webhookSecret": []}]
METRICS: Final[Sequence[dict[str, list[str]]]] = [{"metricsToken": []}, {}]
NOBODY: Final[Sequence[dict[str, list[str]]]] = [{}]

SIGNED_IN: Final = (
    "unauthenticated",
    "token_invalid",
    "token_expired",
    "owner_needed",
    "too_many_requests",
    "keys_unavailable",
    "auth_server_away",
)
"""What every operation below `Authentication` may answer."""

SIGNED_IN_ADMIN: Final = (*SIGNED_IN, "admin_needed")
"""What every operation behind `pideai_host.web.staff.require_admin` may answer."""

NOWHERE: Final = "not_found"

OF_PLUGINS: Final = ("plugin_refused", "plugin_unable")
"""What a plugin's route may answer with other statuses than the table's too."""

_SERVERS: Final = 500

KEYED: Final = ("idempotency_key_reused", "request_under_way", "answer_not_kept")
"""What every POST below ``/api`` may answer (`pideai_host.web.idempotency`)."""

_SCHEMES: Final = {
    "owner": SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="JWT",
        description="Access token of the Supabase session of a signed-in user.",
    ),
    "admin": SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="JWT",
        description="The same, of a platform admin.",
    ),
    "metricsToken": SecurityScheme(
        type="http",
        scheme="bearer",
        description="One of the tokens in PIDEAI_METRICS_TOKEN; needed where any is set.",
    ),
    "webhookSecret": SecurityScheme(
        type="apiKey",
        name="X-PideAI-Webhook-Secret",
        security_scheme_in="header",
        description="One of the secrets in PIDEAI_WEBHOOK_SECRETS.",
    ),
}


def openapi_config(version: str) -> OpenAPIConfig:
    """Describe the API: the page is at ``/docs``, the document at ``/docs/openapi.json``."""
    return OpenAPIConfig(
        title="PideAI plugin host",
        version=version,
        description="Plugins of PideAI's stores: what there is, what a store has installed, and what comes in.",
        path="/docs",
        render_plugins=[DocsPage(), DocumentPlugin()],
        components=Components(security_schemes=dict(_SCHEMES)),
        tags=[
            Tag(name="Plugins", description="The catalogue."),
            Tag(name="Store plugins", description="What a store has installed."),
            Tag(name="Credits", description="What a store can spend on its plugins."),
            Tag(name="Deliveries", description="What became of each event, and how to have one go again."),
            Tag(name="Replays", description="Having a range of deliveries go again."),
            Tag(name="Audit", description="Who did what, and when."),
            Tag(name="Operator", description="The host, for platform admins."),
            Tag(name="Live", description="What happens in a store, as it happens."),
            Tag(name="Webhooks", description="Doors for other systems."),
            Tag(name="Health", description="For load balancers and whoever watches."),
        ],
    )


def success(status: int, model: type, example: Any, description: str) -> Mapping[int, ResponseSpec]:
    """Describe the good answer of an operation, with an example."""
    whole = msgspec.Raw(msgspec.json.encode(example))  # Litestar would leave out what is null
    examples = [Example(summary=description, value=whole)]
    return {status: ResponseSpec(model, description=description, generate_examples=False, examples=examples)}


def problems(*codes: str) -> Mapping[int, ResponseSpec]:
    """Describe the errors of an operation by their codes, one example each.

    What is not found may also be the address itself: an id in it that is none leads nowhere.
    """
    known = dict.fromkeys(codes)
    if any(_status(code) == _status(NOWHERE) for code in codes):
        known[NOWHERE] = None
    by_status = groupby(sorted(known, key=_status), key=_status)
    return {status: _spec(tuple(together)) for status, together in by_status}


def plugin_problems(*codes: str) -> Mapping[int, ResponseSpec]:
    """Describe the errors of a plugin's route: the host's, and what the plugin may refuse with their statuses."""
    of_host = groupby(sorted({*codes, NOWHERE, *OF_PLUGINS}, key=lambda code: (_status(code), code)), key=_status)
    by_status = {status: tuple(together) for status, together in of_host}
    return {
        status: _spec(together if status >= _SERVERS or "plugin_refused" in together else (*together, "plugin_refused"))
        for status, together in by_status.items()
    }


def _status(code: str) -> int:
    return TABLE[code][0]


def _spec(codes: tuple[str, ...]) -> ResponseSpec:
    return ResponseSpec(
        Problem,
        description="; ".join(TABLE[code][1] for code in codes),
        media_type=MEDIA_TYPE,
        generate_examples=False,
        examples=[Example(summary=TABLE[code][1], value=problem_example(code)) for code in codes],
    )


def problem_example(code: str) -> dict[str, Any]:
    """Return a problem with this code, as an example."""
    status, title = TABLE[code]
    known = {"type": f"/problems/{code}", "title": title, "status": status}
    said = {"detail": "what is wrong with this request", "code": code, "instance": "6f1c2b7e5d0a4c1f9e8d7c6b5a493827"}
    return {**known, **said, **PROBLEMS.get(code, {})}
