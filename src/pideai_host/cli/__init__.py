"""The command line. Each command lives in a module of its own, imported when it is called (see `app.COMMANDS`)."""

from pideai_host.cli.app import main

__all__ = ["main"]
