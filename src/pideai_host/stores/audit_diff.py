"""What a change of an installation did, for the audit trail: field by field, and of secrets only that they changed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from pideai_host.stores.audit import Action, Line
from pideai_host.stores.installations import StoredInstallation
from pideai_host.telemetry import redacted_text

CHANGES_MAX: Final = 100
VALUE_MAX_CHARS: Final = 200
_DEPTH: Final = 8
_MISSING: Final = object()


def lines_of_install(kept: StoredInstallation) -> list[Line]:
    """Tell of a new installation."""
    return [Line(action=Action.INSTALLED, plugin=kept.slug, subject=str(kept.id), detail=_detail(None, kept))]


def lines_of_change(before: StoredInstallation, kept: StoredInstallation) -> list[Line]:
    """Tell of a change: of each thing that it was, a line."""
    lines = []
    detail = _detail(before, kept)
    if detail["changes"]:
        lines.append(Line(action=Action.CONFIGURED, plugin=kept.slug, subject=str(kept.id), detail=detail))
    if before.policy != kept.policy:
        policy = {"before": _builtins(before.policy), "after": _builtins(kept.policy)}
        lines.append(Line(action=Action.POLICY, plugin=kept.slug, subject=str(kept.id), detail=policy))
    if before.enabled != kept.enabled:
        action = Action.ENABLED if kept.enabled else Action.DISABLED
        lines.append(Line(action=action, plugin=kept.slug, subject=str(kept.id)))
    return lines


def line_of_leave(left: StoredInstallation) -> Line:
    """Tell of an installation that is gone."""
    return Line(action=Action.UNINSTALLED, plugin=left.slug, subject=str(left.id))


def _detail(before: StoredInstallation | None, after: StoredInstallation) -> dict[str, Any]:
    changes = [*_plain(before, after), *_secrets({} if before is None else before.sealed, after.sealed)]
    told: dict[str, Any] = {"revision": after.revision, "changes": changes[:CHANGES_MAX]}
    if len(changes) > CHANGES_MAX:
        told["left_out"] = len(changes) - CHANGES_MAX
    return told


def _plain(before: StoredInstallation | None, after: StoredInstallation) -> Iterator[dict[str, Any]]:
    old, new = {} if before is None else _facts(before), _facts(after)
    for field in sorted(old.keys() | new.keys()):
        was, now = old.get(field, _MISSING), new.get(field, _MISSING)
        if was != now:
            yield {
                "field": field,
                **({} if was is _MISSING else {"before": _shown(was)}),
                **({} if now is _MISSING else {"after": _shown(now)}),
            }


def _facts(one: StoredInstallation) -> dict[str, Any]:
    """Return what can be shown, by JSON pointer; of an address its origin, since the rest may be the key to it."""
    facts = dict(_leaves("", one.config, _DEPTH))
    if one.priority:
        facts["priority"] = one.priority
    if one.webhook_url is not None:
        facts["webhook_url"] = _Address(one.webhook_url)
    return facts


def _leaves(pointer: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value and depth:
        for key, inner in value.items():
            yield from _leaves(f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", inner, depth - 1)
    elif pointer:
        yield pointer, value


def _secrets(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for field in sorted(before.keys() | after.keys()):
        if before.get(field) != after.get(field):
            did = "cleared" if field not in after else "changed" if field in before else "set"
            yield {"field": field, "secret": did}


class _Address(str):
    """An address, compared whole and shown in part."""

    __slots__ = ()


def _shown(value: Any) -> Any:
    if isinstance(value, _Address):
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname}/…"
    if isinstance(value, str):
        value = redacted_text(value)
        return value if len(value) <= VALUE_MAX_CHARS else f"{value[:VALUE_MAX_CHARS]}…"
    if isinstance(value, list | dict):
        text = msgspec.json.encode(value).decode()
        return value if len(text) <= VALUE_MAX_CHARS else f"{redacted_text(text)[:VALUE_MAX_CHARS]}…"
    return value


def _builtins(policy: msgspec.Struct | None) -> Any:
    return None if policy is None else msgspec.to_builtins(policy)
