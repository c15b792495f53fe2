"""Why the host itself ends a delivery: a word for each, kept with the end, so that owners read it in their language.

The sentence in English beside it (`Verdict.error`) is the operator's, and has the plugin's own words.
"""

from enum import StrEnum


class EndReason(StrEnum):
    """Why the host ended a delivery that no plugin ended."""

    GAVE_UP = "gave_up"
    WAITED_TOO_LONG = "waited_too_long"
    TOO_OLD = "too_old"
    UNINSTALLED = "uninstalled"
    CRASHED = "crashed"
    UNREADABLE = "unreadable"
