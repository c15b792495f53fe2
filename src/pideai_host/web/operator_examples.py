"""Examples of the operator's endpoints for the API's description; a test holds them to their models."""

from typing import Any, Final

LOAD_RECORD: Final[dict[str, Any]] = {
    "slug": "courier",
    "distribution": "acme-courier",
    "version": "2.1.0",
    "source": "acme-courier==2.1.0: courier = acme_courier:plugin",
    "phase": "import",
    "status": "broken",
    "error": "ModuleNotFoundError: No module named 'acme_geo'",
    "traceback": None,
    "seconds": 0.004,
}

QUARANTINED_PLUGIN: Final[dict[str, Any]] = {
    "plugin": "courier",
    "reason": "it ended 3 workers within half an hour",
    "since": "2026-11-22T13:31:01.645075Z",
    "until": "2026-11-22T13:46:01.645075Z",
    "crashes": 3,
}

WAITING_CONFIG: Final[dict[str, Any]] = {
    "store_id": "0c8a1f7f-5f4b-4c57-8d0e-2b9e6f0c1d33",
    "plugin": "courier",
    "enabled": True,
    "status": "outdated",
    "config_version": 1,
    "wanted_version": 2,
    "config_fault": "the configuration has faults: /zone is required",
    "config_due_at": "2026-11-22T13:36:01.645075Z",
    "updated_at": "2026-11-20T09:12:44.100000Z",
}

LANE: Final[dict[str, Any]] = {
    "lane": "pideai_whatsapp",
    "ready": 12,
    "claimed": 3,
    "is_capped": False,
    "oldest_at": "2026-11-22T13:31:01.645075Z",
    "looked_at": "2026-11-22T13:31:09.100000Z",
}

PROCESS: Final[dict[str, Any]] = {
    "id": "8a1f7f0e-5f4b-4c57-8d0e-2b9e6f0c1d33",
    "host": "plugins-7f9c",
    "pid": 71,
    "version": "0.1.0",
    "takes_events": True,
    "makes_deliveries": True,
    "plugins": ["webhook-bridge", "whatsapp"],
    "leads": True,
    "quarantined": {},
    "started_at": "2026-11-22T12:00:00.000001Z",
    "seen_at": "2026-11-22T13:31:01.645075Z",
    "is_alive": True,
}

PLUGIN_JOB: Final[dict[str, Any]] = {
    "plugin": "courier",
    "job": "look_after_rides",
    "interval_s": 60.0,
    "began_at": "2026-11-22T13:31:01.645075Z",
    "ended_at": "2026-11-22T13:31:02.100000Z",
    "outcome": "failed",
    "error": "ConnectError: the carrier does not answer",
    "took_s": 0.45,
    "turns": 1204,
    "failures": 2,
}

OPEN_BREAKER: Final[dict[str, Any]] = {
    "installation_id": "0f4a7c1e-3a51-4f2e-9a41-5d5c8b0c6a01",
    "store_id": "7b0d2c55-8e0f-4d5b-8d3b-2f6a1c9e4b02",
    "plugin": "webhook-bridge",
    "phase": "open",
    "reason": "the receiver answered 503",
    "openings": 2,
    "opened_at": "2026-11-22T13:31:01.645075Z",
    "next_probe_at": "2026-11-22T13:31:31.645075Z",
}

UNTAKEN: Final[dict[str, Any]] = {
    "type": "order.updated",
    "events": 812,
    "stores": 41,
    "newest_at": "2026-11-22T13:31:01.645075Z",
}

KEPT_BODY: Final[dict[str, Any]] = {
    "id": "2c9d7f10-0f9e-4a7b-8a55-7f3f1f0b6e21",
    "received_at": "2026-11-22T13:31:01.645075Z",
    "door": "webhook",
    "reason": "unknown_table",
    "detail": "public.reviews",
    "size_bytes": 84,
}

KEPT_BODY_WHOLE: Final[dict[str, Any]] = KEPT_BODY | {
    "body": '{"type": "INSERT", "table": "reviews", "record": {}}',
    "body_base64": None,
    "can_be_fed": True,
}

FED: Final[dict[str, Any]] = {"event_ids": ["4e0b6c0a-6f0e-5c3c-9a43-0b8a2f7d1c03"]}
