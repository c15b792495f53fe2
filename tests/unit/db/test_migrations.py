"""The migration files keep the rules that the runner and a supabase/migrations folder need."""

import re

import pytest

from pideai_host.db.migrate import MIGRATIONS

UPS = sorted(MIGRATIONS.glob("*.sql"))


@pytest.mark.parametrize("path", UPS, ids=lambda path: path.stem)
def test_name_fits_a_supabase_folder(path: object) -> None:
    assert re.fullmatch(r"[0-9]{14}_[a-z0-9_]+", path.stem)


@pytest.mark.parametrize("path", UPS, ids=lambda path: path.stem)
def test_file_can_be_rolled_back(path: object) -> None:
    assert (path.parent / "rollback" / path.name).is_file()


def test_rollbacks_belong_to_files() -> None:
    names = {path.stem for path in UPS}

    assert {path.stem for path in MIGRATIONS.glob("rollback/*.sql")} == names
