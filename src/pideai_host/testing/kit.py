"""The fakes and checks for a plugin's own tests.

FakeContext      a `PluginContext` that can be looked into, with the host's own rules for what may be emitted
FakeJob          a `JobContext` over such contexts
FakeCommand      a `CommandContext` over such contexts
faults_of        what the host has against a plugin: the checks of its start, run in a test
"""

from typing import TYPE_CHECKING

from pideai_host.testing.commands import FakeCommand, FakeSession
from pideai_host.testing.conformance import faults_of
from pideai_host.testing.context import FakeContext
from pideai_host.testing.jobs import FakeJob
from pideai_host.testing.parts import FakeCredits, FakeDatabase, FakeLog, FakeSecrets, FakeStorage

if TYPE_CHECKING:
    from pideai_host.api import CommandContext, CommandSession, JobContext, PluginContext

    _CONFORM: tuple[type[PluginContext], type[JobContext], type[CommandContext], type[CommandSession]] = (
        FakeContext,
        FakeJob,
        FakeCommand,
        FakeSession,
    )

__all__ = [
    "FakeCommand",
    "FakeContext",
    "FakeCredits",
    "FakeDatabase",
    "FakeJob",
    "FakeLog",
    "FakeSecrets",
    "FakeSession",
    "FakeStorage",
    "faults_of",
]
