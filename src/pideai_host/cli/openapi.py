"""`pideai-host openapi`: the description of the HTTP API, for generators of clients."""

import sys
from contextlib import redirect_stdout

import rich_click as click

from pideai_host import telemetry
from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings
from pideai_host.web.described import printed
from pideai_host.web.document import host_document


@click.command()
@click.option("--plugins", "with_plugins", is_flag=True, help="Describe the installed plugins' own routes as well.")
def openapi(*, with_plugins: bool) -> None:
    """Print the OpenAPI 3.1 document of the HTTP API: the same text for the same API.

    Needs no database. A running host serves the document with its plugins' routes at /docs/openapi.json.
    """
    registry = None
    if with_plugins:
        settings = Settings.from_env()
        telemetry.set_up(level="error", log_format=settings.log_format)
        with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the document
            registry = load_registry(settings.plugins)
    sys.stdout.write(printed(host_document(registry)))
