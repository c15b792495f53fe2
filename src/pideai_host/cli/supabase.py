"""`pideai-host supabase`: what to set up in the project."""

from importlib.resources import files

import rich_click as click

from pideai_host.cli.supabase_capture import capture


@click.group()
def supabase() -> None:
    """Set up the Supabase project that the host works beside."""


supabase.add_command(capture)


@supabase.group()
def webhooks() -> None:
    """Set up the Database Webhook that tells the host of orders."""


@webhooks.command("sql")
@click.option(
    "--url", default="https://<your-host>/webhooks/supabase", show_default=True, help="Where the host is reached."
)
def webhooks_sql(*, url: str) -> None:
    """Print the SQL that sets the webhook up, and how to do the same in the dashboard."""
    if not url.startswith(("https://", "http://")):
        raise click.BadParameter("must begin with https:// (or http:// for a trial)", param_hint="--url")
    template = files("pideai_host.cli").joinpath("webhooks.sql").read_text(encoding="utf-8")
    print(template.replace("{url}", url.replace("'", "''")))
