"""Raises when asked what it is."""

from pideai_host.api import hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        raise RuntimeError("could not read https://me:hunter2@example.com/definition\nsecond line")


plugin = Plugin()
