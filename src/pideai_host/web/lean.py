"""Litestar's application and router, without work that a start of this host would do for nothing."""

import sys
from copy import Error
from typing import Any, Self

from litestar import Litestar, Router
from litestar.plugins.attrs import AttrsSchemaPlugin
from litestar.plugins.base import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin


class LeanApp(Litestar):
    """An application that serves pydantic's models only where somebody has imported pydantic.

    Litestar imports it wherever it is installed, which the Supabase client sees to: a fifth of a second and 20 MiB. A
    handler that speaks of a model was written in a module that imports pydantic, and is there before the application.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        if "pydantic" in sys.modules:
            return Litestar._get_default_plugins(plugins)  # noqa: SLF001 - there is no other way to leave one out
        return [*plugins, MsgspecDIPlugin(), AttrsSchemaPlugin()]


class SoleRouter(Router):
    """A router that is put into one other, once, and so need not be copied.

    Litestar copies a router with all below it each time that one is put into another, so that the same one can be put
    into several; what lies below three is copied three times, with every example of its description.
    """

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        if self.owner is not None:
            raise Error("this router is part of another already; make a new one")
        return self
