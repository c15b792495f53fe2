"""Examples of event types and of trying out for the API's description; a test holds them to their models."""

from typing import Any, Final

EVENT_TYPE: Final[dict[str, Any]] = {
    "type": "customer.registered",
    "is_builtin": True,
    "plugins": ["webhook-bridge"],
    "payload_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    "sample": {"customerId": "6f2b1a0c-5a3e-4c1d-9b7a-1e2d3c4b5a69", "name": "Ana Pérez"},
}

TRIED: Final[dict[str, Any]] = {
    "delivery_id": "9d3f0c1a-2b7e-5a64-8f0d-6f2a1c9e4b11",
    "event_type": "customer.registered",
    "payload": {"customerId": "6f2b1a0c-5a3e-4c1d-9b7a-1e2d3c4b5a69", "name": "Ana Pérez"},
    "outcome": "delivered",
    "error": None,
    "response_code": 204,
    "response_body": "",
    "data": None,
    "duration_ms": 84,
    "emitted": [],
}
