"""Has a job that is no async function."""

from pideai_host.api import PluginDefinition, PluginJob, PluginType, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="jobs-wrong",
            name="jobs-wrong",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def jobs(self):
        return [PluginJob(name="look", interval_s=60.0, run=lambda job: None)]


plugin = Plugin()
