"""SQL text: lives in .sql files beside the code that uses it, and reaches psycopg through here."""

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def load(package: str, name: str) -> str:
    """Read a .sql file that lies in a package, such as `load("pideai_host.events", "sql/claim.sql")`.

    Read once per process. A wrong name is a fault of the program and raises FileNotFoundError.
    """
    return files(package).joinpath(name).read_text(encoding="utf-8")


def query(text: str) -> sql.SQL:
    """Wrap SQL of our own for psycopg, whose types take no plain `str` that could hold a stranger's words.

    Only for text from .sql files and constants: values travel as `%(name)s` parameters, identifiers as
    `psycopg.sql.Identifier`.
    """
    return sql.SQL(text)
