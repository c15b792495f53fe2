"""A plugin imports the contract and nothing else of the host."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def imported_modules() -> set[str]:
    modules: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module)
            elif isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
    return modules


def test_only_the_contract_is_imported_from_the_host() -> None:
    assert {name for name in imported_modules() if name.split(".")[0] == "pideai_host"} == {"pideai_host.api"}


def test_only_declared_libraries_are_imported() -> None:
    outside = {name.split(".")[0] for name in imported_modules()} & {"psycopg", "aiohttp", "structlog"}

    assert outside == set()


def test_only_routes_know_the_web_framework() -> None:
    knowing = {path.parent.name for path in SOURCE.rglob("*.py") if "litestar" in path.read_text("utf-8")}

    assert knowing == {"routes"}
