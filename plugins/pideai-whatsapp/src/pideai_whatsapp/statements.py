"""SQL of this package: one statement a file in ``sql/``, its comments left out of what is sent."""

import re
from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """Return the statement ``sql/NAME.sql``."""
    text = files("pideai_whatsapp").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return re.sub(r"^\s*--.*\n", "", text, flags=re.MULTILINE)
