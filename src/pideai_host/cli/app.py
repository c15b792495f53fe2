"""The command `pideai-host`, and the one place where what went wrong becomes a line and an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence

import rich_click as click

from pideai_host import __version__
from pideai_host.api.errors import PideaiError
from pideai_host.cli.lazy import Entry, LazyGroup
from pideai_host.collector import set_collector_for_serving
from pideai_host.telemetry import redacted_text

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
_NOT_MIGRATED = frozenset({"3F000", "42P01", "42703", "42883"})  # no such schema, table, column, function
_MIGRATE = "Run `pideai-host migrate` first."

COMMANDS = {
    "demo": Entry("pideai_host.cli.demo:demo", "Show the main job on this machine alone."),
    "serve": Entry("pideai_host.cli.serve:serve", "Serve the HTTP API, with a worker inside."),
    "worker": Entry("pideai_host.cli.worker:worker", "Deliver what is ready."),
    "doctor": Entry("pideai_host.cli.doctor:doctor", "Say what is wrong, and what to do about it."),
    "plugins": Entry("pideai_host.cli.plugins:plugins", "List the installed plugins, bring the catalogue up to date."),
    "credits": Entry("pideai_host.cli.credits:credits", "See what stores can spend on plugins, give them more."),
    "secrets": Entry(
        "pideai_host.cli.secrets:secrets", "See which keys seal the stores' secrets, change to the newest."
    ),
    "openapi": Entry("pideai_host.cli.openapi:openapi", "Print the description of the HTTP API."),
    "migrate": Entry("pideai_host.cli.migrate:migrate", "Bring the database up to what this version needs."),
    "replay": Entry("pideai_host.cli.replay:replay", "Have deliveries and events go again."),
    "supabase": Entry("pideai_host.cli.supabase:supabase", "Set up the Supabase project."),
    "db": Entry("pideai_host.cli.db:db", "Prepare a database for development."),
}


class Run:
    """What all of one call shares, as click's `obj`."""

    is_debugging = False


def _of_plugin(name: str) -> click.Command | None:
    from pideai_host.cli.plugin_commands import find_plugin  # noqa: PLC0415 - only whoever asks for a plugin waits for it

    return find_plugin(name)


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    find_other=_of_plugin,
    epilog="Plugins may have commands of their own: pideai-host SLUG --help",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="pideai-host")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.pass_obj
def pideai_host(run: Run, *, debug: bool) -> None:
    """Run and look after the PideAI plugin host. It is configured by environment variables: see the README."""
    run.is_debugging = debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process."""
    set_collector_for_serving()  # before the command is imported: it would look through all of that again and again
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and answer its exit code.

    0 done, 1 failed, 2 called wrongly, 130 interrupted. What went wrong stands on stderr as `error: …` and, if there
    is something to do about it, `hint: …`; a traceback only after `--debug`.
    """
    shared = Run()
    try:
        code = pideai_host.main(
            args=None if arguments is None else list(arguments),
            prog_name="pideai-host",
            standalone_mode=False,
            obj=shared,
        )
        sys.stdout.flush()  # here, where a reader that went away can be told from a fault
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        return _tell(error.format_message(), _usage_hint(error), code=error.exit_code)
    except BrokenPipeError:
        # the reader went away, as in `… | head`; Python would complain once more when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as raised:  # noqa: BLE001 - the edge: whatever it is, the caller gets one line and a code
        if shared.is_debugging:
            traceback.print_exception(raised)
        cause = _the_one_within(raised)
        return _tell(*_words(cause), code=FAILED)
    return code if isinstance(code, int) else 0


def _words(error: Exception) -> tuple[str, str]:
    """Say in a line what went wrong, and what to do about it."""
    if isinstance(error, PideaiError):
        return error.message, error.hint
    if getattr(error, "sqlstate", None) in _NOT_MIGRATED:
        said, _, _ = str(error).partition("\n")
        return f"the database lacks what this version needs: {said}", _MIGRATE
    return f"internal: {_line(error)}", "Run `pideai-host --debug …` to see where."


def _the_one_within(error: Exception) -> Exception:
    """Take the cause out of groups, in which tasks wrap what they raise; ours before others."""
    if not isinstance(error, ExceptionGroup):
        return error
    ours = error.subgroup(PideaiError)
    return _the_one_within((ours or error).exceptions[0])


def _tell(message: str, hint: str, *, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    return code


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help" if context else ""


def _line(error: Exception) -> str:
    said = redacted_text(str(error)).partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
