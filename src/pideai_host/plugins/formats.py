"""What `format` asserts in the schemas of plugins: what it does in jsonschema, and durations by a rule of our own.

jsonschema leaves durations to a library that brings calendars and time zones along, which every start would import.
"""

import re
from typing import Final

from jsonschema import Draft202012Validator, FormatChecker

_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_DURATION: Final = re.compile(
    rf"[+-]?P(?:{_NUMBER}W"
    rf"|(?=[0-9T])(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?"
    rf"(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)"
)


def is_duration(instance: object) -> bool:
    """Tell whether a string is a duration of ISO 8601, such as ``P1DT12H``; what is no string has no format."""
    return not isinstance(instance, str) or _DURATION.fullmatch(instance) is not None


FORMATS: Final = FormatChecker(())
"""For every validator of what a plugin's schema describes."""

FORMATS.checkers = {**Draft202012Validator.FORMAT_CHECKER.checkers, "duration": (is_duration, ())}
