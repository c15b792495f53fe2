"""The version of the contract, apart from the host's: plugins name the range of it that they were made for."""

import re
from typing import Final

API_VERSION: Final = (1, 2)
"""What this host offers: (major, minor). A minor adds, a major removes."""

API_FLOOR: Final = (1, 0)
"""The oldest contract that this host still honours."""

_BOUND = re.compile(r"\s*(>=|<=|==|<|>)\s*(\d+)(?:\.(\d+))?\s*")


def api_matches(wanted: str) -> bool:
    """Tell whether some version from `API_FLOOR` to `API_VERSION` lies in a range such as ``>=1.0,<2``.

    Args:
        wanted: Comma-separated bounds, each ``>=``, ``<=``, ``==``, ``<`` or ``>`` and ``MAJOR`` or ``MAJOR.MINOR``.

    Raises:
        ValueError: the text is not such a range; the message names the part.
    """
    bounds = [_parse(part) for part in wanted.split(",")]
    window = [(API_VERSION[0], minor) for minor in range(API_VERSION[1] + 1)] if API_FLOOR[0] == API_VERSION[0] else []
    window = [version for version in window if version >= API_FLOOR]
    return any(all(_holds(version, op, bound) for op, bound in bounds) for version in window)


def _parse(part: str) -> tuple[str, tuple[int, int]]:
    found = _BOUND.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is not a bound such as '>=1.0'")
    return found[1], (int(found[2]), int(found[3] or 0))


def _holds(version: tuple[int, int], op: str, bound: tuple[int, int]) -> bool:
    return {
        ">=": version >= bound,
        "<=": version <= bound,
        "==": version == bound,
        "<": version < bound,
        ">": version > bound,
    }[op]
