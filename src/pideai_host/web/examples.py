"""Examples for the API's description; a test holds them to their models."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pideai_host.web.reasons import REASONS

PLUGIN: Final[dict[str, Any]] = {
    "slug": "whatsapp",
    "name": "WhatsApp",
    "description": "Order messages to the store's customers.",
    "type": "notification",
    "version": "0.1.0",
    "icon_url": None,
    "pricing_model": "per_use",
    "module": "whatsapp",
    "required_events": ["order.created", "order.status_changed"],
    "config_schema": {
        "type": "object",
        "properties": {
            "provider": {"type": "string", "enum": ["evolution", "console"], "default": "evolution"},
            "apiKey": {"type": "string", "writeOnly": True},
        },
    },
    "config_version": 1,
    "ordered": False,
    "is_internal": True,
    "is_active": True,
}

INSTALLATION: Final[dict[str, Any]] = {
    "id": "0f4a7c1e-3a51-4f2e-9a41-5d5c8b0c6a01",
    "store_id": "7b0d2c55-8e0f-4d5b-8d3b-2f6a1c9e4b02",
    "plugin": "whatsapp",
    "config": {"provider": "evolution"},
    "secrets": ["/apiKey"],
    "enabled": True,
    "priority": 0,
    "webhook_url": None,
    "config_version": 1,
    "revision": 1,
    "installed_at": "2026-11-22T13:31:01.645075Z",
    "updated_at": "2026-11-22T13:31:01.645075Z",
    "config_status": "current",
    "config_fault": None,
    "state": "enabled",
    "state_reason": None,
    "policy": {"limits": {"per_store_per_s": 2.0}, "max_age_s": 3600.0},
}

STATE_CHANGE: Final[dict[str, Any]] = {
    "id": 42,
    "at": "2026-11-22T13:31:01.645075Z",
    "from_state": "installing",
    "to_state": "enabled",
    "reason": None,
}

BREAKER: Final[dict[str, Any]] = {
    "phase": "open",
    "reason": "the receiver answered 503",
    "opened_at": "2026-11-22T13:31:01.645075Z",
    "closed_at": None,
    "next_probe_at": "2026-11-22T13:31:31.645075Z",
    "parked": 12,
}

BREAKER_CLOSED: Final[dict[str, Any]] = {
    "phase": "closed",
    "reason": "the receiver answered 503",
    "opened_at": "2026-11-22T13:31:01.645075Z",
    "closed_at": "2026-11-22T13:40:12.011342Z",
    "next_probe_at": None,
    "parked": 12,
}

CREDITS: Final[dict[str, Any]] = {
    "plugin": "whatsapp",
    "monthly": 50,
    "extra": 20,
    "used": 12,
    "available": 58,
    "reserved": 1,
    "renews_at": "2026-12-01T00:00:00Z",
}

LEDGER_ENTRY: Final[dict[str, Any]] = {
    "id": 4711,
    "at": "2026-11-22T13:31:01.645075Z",
    "movement": "reserve",
    "credit_type": "monthly",
    "amount": -1,
    "available": 58,
    "delivery_id": "9c1f4e0a-2f6b-5f0e-8d6d-3f1b7c9a5e04",
    "reference": None,
    "granted": None,
}

ACCEPTED: Final[dict[str, Any]] = {"event_ids": ["4e0b6c0a-6f0e-5c3c-9a43-0b8a2f7d1c03"]}

DELIVERY: Final[dict[str, Any]] = {
    "id": "9d3f0c1a-2b7e-5a64-8f0d-6f2a1c9e4b11",
    "event_id": "4e0b6c0a-6f0e-5c3c-9a43-0b8a2f7d1c03",
    "event_type": "order.ready",
    "plugin": "whatsapp",
    "installation_id": "0f4a7c1e-3a51-4f2e-9a41-5d5c8b0c6a01",
    "status": "failed",
    "attempts": 4,
    "response_code": 503,
    "error": "gave up after 4 attempts: the provider is down",
    "reason": msgspec.to_builtins(REASONS["gave_up"]),
    "park_reason": None,
    "next_attempt_at": None,
    "created_at": "2026-11-22T13:31:01.645075Z",
    "processed_at": "2026-11-22T13:31:38.012345Z",
    "replay_of": None,
    "replayed_at": None,
    "is_late": False,
}

DELIVERY_WHOLE: Final[dict[str, Any]] = DELIVERY | {
    "response_body": "upstream unavailable",
    "data": None,
    "history": [
        {
            "at": "2026-11-22T13:31:38.012345Z",
            "outcome": "failed",
            "attempt": 4,
            "duration_ms": 212,
            "code": 503,
            "error": "gave up after 4 attempts: the provider is down",
        }
    ],
}

EVENT: Final[dict[str, Any]] = {
    "id": "4e0b6c0a-6f0e-5c3c-9a43-0b8a2f7d1c03",
    "type": "order.ready",
    "entity_id": "b6f5f3a4-0f39-4a54-9f43-3d2f4a4f5d10",
    "source": "webhook",
    "occurred_at": "2026-11-22T13:31:01.512345Z",
    "created_at": "2026-11-22T13:31:01.645075Z",
    "deliveries": 0,
}

REPLAYED_DELIVERY: Final[dict[str, Any]] = {
    "replay_id": "c3b1a5c0-2d8e-4f43-8a6b-0f5e7d9c1a20",
    "delivery_id": "9d3f0c1a-2b7e-5a64-8f0d-6f2a1c9e4b11",
    "is_copy": False,
}

REPLAYED_EVENT: Final[dict[str, Any]] = {
    "replay_id": "c3b1a5c0-2d8e-4f43-8a6b-0f5e7d9c1a20",
    "made": ["9d3f0c1a-2b7e-5a64-8f0d-6f2a1c9e4b11"],
    "kept": [],
}

PREVIEW: Final[dict[str, Any]] = {"count": 137, "is_exact": True}

REPLAY: Final[dict[str, Any]] = {
    "id": "c3b1a5c0-2d8e-4f43-8a6b-0f5e7d9c1a20",
    "status": "running",
    "requested_by": "user 5a3a9e0c-77a4-4a39-9a51-0f3f6b7e2c30",
    "since": "2026-11-22T00:00:00Z",
    "until": "2026-11-23T00:00:00Z",
    "plugin": "whatsapp",
    "event_types": [],
    "statuses": ["failed", "unknown", "expired"],
    "only_untaken": False,
    "per_s": 50.0,
    "total": 137,
    "total_is_exact": True,
    "done": 60,
    "replayed": 58,
    "unsettled": 12,
    "results": {"delivered": 45, "failed": 1},
    "skipped": {"uninstalled": 2},
    "error": None,
    "created_at": "2026-11-23T09:00:00.000001Z",
    "finished_at": None,
}

AUDIT_ENTRY: Final[dict[str, Any]] = {
    "id": 1208,
    "at": "2026-11-22T13:31:01.645075Z",
    "actor": "user",
    "user_id": "5a3a9e0c-77a4-4a39-9a51-0f3f6b7e2c30",
    "request_id": "6f1c2b7e5d0a4c1f9e8d7c6b5a493827",
    "address": "190.205.10.7",
    "action": "plugin.configured",
    "plugin": "whatsapp",
    "subject": "0f4a7c1e-3a51-4f2e-9a41-5d5c8b0c6a01",
    "detail": {
        "revision": 4,
        "changes": [
            {"field": "/provider", "before": "console", "after": "evolution"},
            {"field": "/apiKey", "secret": "changed"},
        ],
    },
}

OPERATOR_AUDIT_ENTRY: Final[dict[str, Any]] = AUDIT_ENTRY | {
    "store_id": "7b0d2c55-8e0f-4d5b-8d3b-2f6a1c9e4b02",
    "actor_name": None,
}
_RANGE: Final[dict[str, Any]] = {
    "since": "2026-11-22T00:00:00Z",
    "until": "2026-11-23T00:00:00Z",
    "plugin": "whatsapp",
    "statuses": ["failed", "expired"],
}

REQUESTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "installStorePlugin": {
        "With a configuration": {
            "plugin": "whatsapp",
            "config": {"provider": "evolution", "apiKey": "the provider's key"},
        },
        "With a webhook": {"plugin": "webhook-bridge", "webhook_url": "https://erp.example/hooks/pideai"},
    },
    "updateStorePlugin": {
        "Change the configuration": {"config": {"provider": "evolution"}},
        "Disable": {"enabled": False},
        "Make a new webhook secret": {"webhook_secret": None},
    },
    "testStorePlugin": {
        "Reach a phone of yours": {"event_type": "order.created", "payload": {"customerPhone": "04141234567"}}
    },
    "previewReplay": {"One day of failures": _RANGE},
    "beginReplay": {"One day of failures": {**_RANGE, "per_s": 20}},
    "receiveDatabaseChange": {
        "A new order": {
            "type": "INSERT",
            "schema": "public",
            "table": "orders",
            "record": {"id": "b6f5f3a4-0f39-4a54-9f43-3d2f4a4f5d10", "status": "pending"},
            "old_record": None,
        }
    },
}
"""Operation -> what a request does -> its body; every operation with a JSON body has some."""

PROBLEMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "already_installed": {"detail": "the store has installed whatsapp already"},
    "body_rejected": {
        "detail": "the body is not as the documentation says: /slug is missing",
        "faults": [{"pointer": "/slug", "message": "is missing"}],
    },
    "changed_meanwhile": {"detail": "the installation was changed meanwhile", "hint": "Read it again."},
    "config_rejected": {
        "detail": "the configuration has faults: /provider 'sms' is not one of ['evolution', 'console']",
        "faults": [
            {"pointer": "/provider", "message": "'sms' is not one of ['evolution', 'console']"},
            {"pointer": "/apiKey", "message": "is missing"},
        ],
    },
    "credits_exhausted": {"detail": "no credits left for whatsapp"},
    "database_unavailable": {
        "detail": "the database does not answer",
        "hint": "Sending the request again is safe.",
    },
    "hook_timeout": {"detail": "on_install of whatsapp did not end within 30 s", "plugin": "whatsapp"},
    "if_match_needed": {
        "detail": "this replaces what is there, and does not say upon which state of it",
        "hint": "Send If-Match with the ETag that you read; `*` overwrites whatever is there.",
    },
    "internal_error": {"detail": "an unexpected error; quote the instance when you report it"},
    "not_installed": {"detail": "the store has not installed whatsapp"},
    "plugin_fault": {"detail": "on_install of whatsapp failed", "plugin": "whatsapp"},
    "plugin_unknown": {"detail": "there is no plugin 'whatsap'"},
    "request_under_way": {
        "detail": "the same request is under way",
        "hint": "Send it again in a moment, under the same key.",
    },
    "token_expired": {"detail": "the token has expired"},
    "unauthenticated": {"detail": "no bearer token"},
}
"""Code -> what a problem with it says, where more can be said than for all."""

NOTICE: Final[dict[str, Any]] = {
    "id": 4711,
    "at": "2026-11-22T13:31:01.645075Z",
    "plugin": "whatsapp",
    "level": "warning",
    "message": "WhatsApp está desconectado: escanea el código QR de nuevo.",
}
