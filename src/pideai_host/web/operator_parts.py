"""What the operator's endpoints reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from pideai_host.db.pool import Pool
from pideai_host.events.depths import LaneDepths
from pideai_host.events.job_rows import JobRows
from pideai_host.events.kept_bodies import KeptBodies
from pideai_host.events.overview import Overview
from pideai_host.events.quarantine_rows import QuarantineRows
from pideai_host.plugins.records import LoadRecord
from pideai_host.stores.waiting_configs import WaitingConfigs


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorParts:
    """The parts of a running host that tell of all stores, and of the host itself."""

    pool: Pool
    records: Sequence[LoadRecord]
    bodies: KeptBodies

    @property
    def depths(self) -> LaneDepths:
        """How full the lanes are."""
        return LaneDepths(self.pool)

    @property
    def jobs(self) -> JobRows:
        """What became of plugins' jobs."""
        return JobRows(self.pool)

    @property
    def configs(self) -> WaitingConfigs:
        """Configurations of another version than their plugin's."""
        return WaitingConfigs(self.pool)

    @property
    def quarantines(self) -> QuarantineRows:
        """Plugins that all leave alone."""
        return QuarantineRows(self.pool)

    @property
    def overview(self) -> Overview:
        """What goes wrong in stores."""
        return Overview(self.pool)
