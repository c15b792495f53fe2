"""An installation that no database keeps."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.secrets import Sealer


@pytest.fixture
def sealer() -> Sealer:
    return Sealer((("k1", b"k" * 32),))


@pytest.fixture
def stored() -> StoredInstallation:
    return StoredInstallation(
        id=UUID(int=1),
        store_id=UUID(int=2),
        plugin_id=UUID(int=3),
        slug="pago-movil",
        config={"mode": "test"},
        enabled=True,
        priority=0,
        webhook_url=None,
        config_version=1,
        revision=1,
        sealed={},
        installed_at=datetime(2026, 1, 1, tzinfo=UTC),
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
