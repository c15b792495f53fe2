"""What is wrong with a range of time that somebody asked for."""

from datetime import UTC, datetime


def range_fault(since: datetime | None, until: datetime | None) -> str | None:
    """Tell what is wrong with a range of aware instants, or None.

    One that UTC does not have (before the year 1, after 9999) could be written, and never be read again.
    """
    for name, instant in (("since", since), ("until", until)):
        try:
            if instant is not None:
                instant.astimezone(UTC)
        except OverflowError:
            return f"{name} is no time in UTC"
    if since is not None and until is not None and until < since:
        return "until lies before since"
    return None
