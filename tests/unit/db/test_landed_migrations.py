"""A migration that was applied somewhere is never edited: who applied it would keep what it made before, or be refused.

`landed_migrations.txt` has a line for each, as sha256sum writes them. A new migration gets its line with it; what one
has made is changed by the next one.
"""

from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LANDED = dict(
    reversed(line.split("  ", 1)) for line in Path(__file__).with_name("landed_migrations.txt").read_text().splitlines()
)
FOLDERS = ("src/pideai_host/db/migrations", "plugins/pideai-whatsapp/src/pideai_whatsapp/migrations")


@pytest.mark.parametrize("name", sorted(LANDED))
def test_a_landed_migration_stays_as_it_was(name):
    assert sha256((ROOT / name).read_bytes()).hexdigest() == LANDED[name]


def test_every_migration_is_written_down():
    found = {str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.sql")}

    assert found == LANDED.keys()
