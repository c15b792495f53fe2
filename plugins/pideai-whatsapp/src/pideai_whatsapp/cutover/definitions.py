"""The text of a trigger's definition, as the database writes it, with a condition more. Pure.

The database's own text is the only whole account of a trigger: when it fires, on which columns, its condition, its
function and arguments. So nothing of it is assumed; the new condition is joined to what is there, and all else stays.
"""

import re
from typing import Final

from pideai_host.api import ConfigurationError

_HEAD: Final = "CREATE TRIGGER "
_EACH_ROW: Final = " FOR EACH ROW "
_WHEN: Final = "WHEN ("
_EXECUTE: Final = "EXECUTE FUNCTION "
_TOKEN: Final = re.compile(r"""[Ee]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|.""", re.DOTALL)


class TriggerUnusable(ConfigurationError):  # noqa: N818 - a condition of the database, not a fault of ours
    """A trigger that cannot be given a condition: it is not for each row, or a constraint's."""


def replacement(definition: str, condition: str | None) -> str:
    """Return the statement that replaces a trigger by the same with one condition more.

    Args:
        definition: What ``pg_get_triggerdef`` says of it, with an empty search_path.
        condition: SQL that must hold besides what the trigger asks already; None for the trigger as it is.

    Raises:
        TriggerUnusable: it cannot be given one.
    """
    head, asked, tail = _parts(definition)
    if condition is None:
        when = "" if asked is None else f"{_WHEN}{asked}) "
    else:
        when = f"{_WHEN}{condition}) " if asked is None else f"{_WHEN}({asked}) AND ({condition})) "
    return f"CREATE OR REPLACE TRIGGER {head.removeprefix(_HEAD)}{when}{tail}"


def _parts(definition: str) -> tuple[str, str | None, str]:
    """Split a definition before its condition, its condition without the outer parentheses, and after it."""
    if not definition.startswith(_HEAD):
        raise TriggerUnusable(
            "one of the six triggers cannot be replaced in place: it is a constraint trigger",
            hint="Drop it and create it as an ordinary AFTER UPDATE trigger, then try again.",
        )
    at = _outside_quotes(definition, _EACH_ROW)
    if at is None:
        raise TriggerUnusable(
            "one of the six triggers is not FOR EACH ROW, so it cannot be told one store from another",
            hint="Create it as an AFTER UPDATE … FOR EACH ROW trigger, then try again.",
        )
    cut = at + len(_EACH_ROW)
    head, rest = definition[:cut], definition[cut:]
    if rest.startswith(_EXECUTE):
        return head, None, rest
    end = _closing(rest, len(_WHEN) - 1) if rest.startswith(_WHEN) else None
    if end is None or not rest[end + 1 :].startswith(f" {_EXECUTE}"):
        raise TriggerUnusable("the definition of one of the six triggers is not understood", hint=definition[:200])
    return head, rest[len(_WHEN) : end], rest[end + 2 :]


def _outside_quotes(text: str, wanted: str) -> int | None:
    for token in _TOKEN.finditer(text):
        if len(token[0]) == 1 and text.startswith(wanted, token.start()):
            return token.start()
    return None


def _closing(text: str, opening: int) -> int | None:
    """Return where the parenthesis that stands at `opening` is closed."""
    depth = 0
    for token in _TOKEN.finditer(text, opening):
        if token[0] == "(":
            depth += 1
        elif token[0] == ")":
            depth -= 1
            if depth == 0:
                return token.start()
    return None
