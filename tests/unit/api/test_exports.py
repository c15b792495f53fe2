"""The contract's names: a change here is a change for every plugin author, so it is made on purpose and twice."""

import inspect
import subprocess
import sys

import pideai_host.api
from pideai_host.api.hooks import HOOK_NAMES, PluginSpec

EXPORTED = (
    "API_FLOOR",
    "API_VERSION",
    "ENTRY_POINT_GROUP",
    "RESERVED_SLUGS",
    "RESPONSE_BODY_MAX_CHARS",
    "Address",
    "AddressRefused",
    "AdminDatabase",
    "AlreadyInstalled",
    "BreakerPolicy",
    "CartAbandonedPayload",
    "CommandContext",
    "CommandProgress",
    "CommandSession",
    "ConfigRejected",
    "ConfigurationError",
    "Credits",
    "CreditsExhausted",
    "CustomerRegisteredPayload",
    "Database",
    "DatabaseUnavailable",
    "Deliveries",
    "DeliveryInfo",
    "EventType",
    "ExponentialDelays",
    "HookTimeout",
    "Installation",
    "JobContext",
    "Limits",
    "Log",
    "NotInstalled",
    "NotReady",
    "OpenInstallation",
    "OrderCreatedPayload",
    "OrderItem",
    "OrderItemExtra",
    "OrderPayload",
    "OrderStatusPayload",
    "OrderUpdatedPayload",
    "Outcome",
    "PaymentFailedPayload",
    "PaymentPayload",
    "PaymentRefundedPayload",
    "PideaiError",
    "PluginContext",
    "PluginDefinition",
    "PluginEvent",
    "PluginEventResult",
    "PluginEventType",
    "PluginFault",
    "PluginJob",
    "PluginSignal",
    "PluginType",
    "PluginUnknown",
    "RetryPolicy",
    "Secrets",
    "Storage",
    "StoreProblem",
    "StoreUnknown",
    "WebhookLookup",
    "WebhookReply",
    "WebhookRequest",
    "api_matches",
    "delivered",
    "failed",
    "hookimpl",
    "retry",
    "sent",
    "skipped",
    "slug_fault",
    "type_of_payload",
    "unknown",
    "wait",
)

HOOKS = {
    "plugin_definition": "def",
    "on_install": "async store_id config context",
    "on_uninstall": "async store_id config context",
    "on_enable": "async store_id config context",
    "on_disable": "async store_id config context",
    "on_config_change": "async store_id config context",
    "migrate_config": "async store_id config context",
    "handle_event": "async event config context",
    "deliver_external": "async event installation context",
    "route_webhook": "async request lookup",
    "handle_webhook": "async request config context",
    "http_routes": "def",
    "event_sources": "def",
    "jobs": "def",
    "cli_commands": "def",
    "migrations": "def",
    "on_startup": "async",
    "on_shutdown": "async",
}

EVENT_TYPES = {
    "order.created",
    "order.updated",
    "order.status_changed",
    "order.ready",
    "order.completed",
    "order.cancelled",
    "payment.initiated",
    "payment.completed",
    "payment.failed",
    "payment.refunded",
    "customer.registered",
    "cart.abandoned",
}

IMPORT_AND_NAME_HOST_MODULES = """
import sys
import pideai_host.api
print(*sorted(name for name in sys.modules if name.startswith("pideai_host.")))
"""


def test_the_exported_names_are_frozen():
    assert pideai_host.api.__all__ == EXPORTED


def test_every_exported_name_is_there():
    assert [name for name in EXPORTED if not hasattr(pideai_host.api, name)] == []


def test_nothing_public_is_left_out_of_the_exported_names():
    found = {
        name
        for name, value in vars(pideai_host.api).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert found == set(EXPORTED)


def test_the_hooks_and_their_arguments_are_frozen():
    found = {}
    for name in HOOK_NAMES:
        function = getattr(PluginSpec, name)
        colour = "async" if inspect.iscoroutinefunction(function) else "def"
        found[name] = " ".join([colour, *list(inspect.signature(function).parameters)[1:]])

    assert found == HOOKS


def test_the_twelve_event_types_are_frozen():
    assert {str(one) for one in pideai_host.api.EventType} == EVENT_TYPES


def test_every_event_type_has_a_payload():
    assert set(pideai_host.api.type_of_payload) == EVENT_TYPES


def test_the_contract_imports_nothing_else_of_the_host():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_AND_NAME_HOST_MODULES], capture_output=True, text=True, timeout=60, check=True
    )

    outside = [name for name in done.stdout.split() if name.split(".")[1] != "api"]
    assert outside == []
