"""The names of a plugin's two queues: the slug's hyphens become underscores, so every slug has lanes of its own."""

from typing import Final

_PREFIX: Final = "pideai_"
_BULK_SUFFIX: Final = "__bulk"


def main_lane(slug: str) -> str:
    """Name the queue of a plugin's everyday deliveries; at most 45 characters, a plain SQL identifier."""
    return _PREFIX + slug.replace("-", "_")


def bulk_lane(slug: str) -> str:
    """Name the queue of replays, campaigns and of what goes beyond one store's share."""
    return main_lane(slug) + _BULK_SUFFIX


def slug_of(lane: str) -> str:
    """Return the slug that a main or bulk lane belongs to.

    Raises:
        ValueError: the queue is not one of the host's lanes.
    """
    if not lane.startswith(_PREFIX):
        raise ValueError(f"{lane!r} is not a lane of a plugin")
    return lane.removeprefix(_PREFIX).removesuffix(_BULK_SUFFIX).replace("_", "-")
