"""Why something is not replayed, for whoever asked."""

from typing import ClassVar
from uuid import UUID

from pideai_host.api import StoreProblem


class DeliveryUnknown(StoreProblem):
    """No such delivery, or none of this store's: the two are not told apart."""

    code: ClassVar[str] = "delivery_unknown"

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(f"no delivery {delivery_id}", hint="It may be older than what is kept.")


class EventUnknown(StoreProblem):
    """No such event, or none of this store's: the two are not told apart."""

    code: ClassVar[str] = "event_unknown"

    def __init__(self, event_id: UUID) -> None:
        super().__init__(f"no event {event_id}", hint="It may be older than what is kept.")


class ReplayUnknown(StoreProblem):
    """No such replay, or none of this store's: the two are not told apart."""

    code: ClassVar[str] = "replay_unknown"

    def __init__(self, replay_id: UUID) -> None:
        super().__init__(f"no replay {replay_id}")


class DeliveryPending(StoreProblem):
    """The delivery is under way, so there is nothing to repeat."""

    code: ClassVar[str] = "delivery_pending"

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(
            f"delivery {delivery_id} is pending: it is under way, or waits to go again",
            hint="Replay it once it is delivered, failed, unknown, expired or cancelled.",
        )


class NotReplayable(StoreProblem):
    """Nobody is there to take it, or it has been replayed without end; the message says which."""

    code: ClassVar[str] = "not_replayable"


class ReplayOver(StoreProblem):
    """The replay has ended, so there is nothing to cancel."""

    code: ClassVar[str] = "replay_over"

    def __init__(self, replay_id: UUID, status: str) -> None:
        super().__init__(f"replay {replay_id} is {status} already")


class ReplaysBusy(StoreProblem):
    """As many replays run as may at once."""

    code: ClassVar[str] = "replays_busy"

    def __init__(self, running_max: int) -> None:
        super().__init__(
            f"{running_max} replays run already, no more may at once", hint="Wait for one to end, or cancel one."
        )
