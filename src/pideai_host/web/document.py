"""The API's description without a running host: what `pideai-host openapi` prints and docs/openapi.json holds."""

from typing import Any

from pideai_host import __version__
from pideai_host.plugins.registry import Registry
from pideai_host.web.described import described
from pideai_host.web.lean import LeanApp
from pideai_host.web.openapi import openapi_config
from pideai_host.web.plugin_routes import mount
from pideai_host.web.routes import routes
from pideai_host.web.schemas import StrictStructs


def host_document(registry: Registry | None = None) -> dict[str, Any]:
    """Return the description of the host's own operations, with the plugins' routes if plugins are given."""
    of_plugins = () if registry is None else mount(registry).routers
    config = openapi_config(__version__)
    app = LeanApp(routes(of_plugins), openapi_config=config, plugins=[StrictStructs()], logging_config=None)
    return described(app)
