"""Has commands of its own."""

import click

from pideai_host.api import ConfigRejected, ConfigurationError, PluginDefinition, PluginType, hookimpl

print("hello from the import")


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="commands",
            name="Commands",
            version="1.0",
            type=PluginType.NOTIFICATION,
            subscribed_events=(),
        )

    @hookimpl
    def cli_commands(self):
        return [show, greet, fail, switch, rename]

    @hookimpl
    async def on_enable(self, config):
        if config.get("refuse"):
            raise ConfigRejected({"/refuse": "it was told to"})


@click.command()
@click.pass_obj
def show(context):
    """Show who asks."""
    context.say(f"{context.plugin} {context.operator('token')}")
    context.warn("a word beside")


@click.command()
@click.argument("name")
def greet(name):
    """Say hello."""
    if name == "nobody":
        raise click.UsageError("nobody is no name")
    return len(name)


@click.command()
def fail():
    """Fail."""
    raise ConfigurationError("the courier sleeps", hint="Wake it.")


@click.command()
@click.argument("store", type=click.UUID)
@click.option("--refuse", is_flag=True)
@click.pass_obj
def switch(context, store, refuse):
    """Install, enable and disable for a store."""

    async def work(session):
        made = await session.install(store, config={"refuse": refuse}, enabled=False)
        on = await session.enable(store)
        again = await session.enable(store)
        stores = [one async for one in session.stores()]
        async with session.installation(store) as (_, opened):
            opened.emit("commands.switched", {"store": str(store)}, key="1")
        off = await session.disable(store)
        return made.enabled, on.enabled, again.enabled, stores == [store], off.enabled

    with context.progress("Switching", total=1) as bar:
        context.say(str(context.run(work)))
        bar.advance()


@click.command()
@click.argument("name")
@click.option("--undo", is_flag=True)
@click.pass_obj
def rename(context, name, undo):
    """Rename all stores, as the owner, in one transaction."""

    async def work(session):
        async with session.db.transaction() as transaction:
            touched = await transaction.execute("update public.stores set name = %(name)s", {"name": name})
            seen = await transaction.fetch_one("select name, current_user as who from public.stores limit 1")
            if undo:
                raise ConfigurationError("undone")
        return touched, seen["name"], seen["who"]

    context.say(str(context.run(work)))


plugin = Plugin()
