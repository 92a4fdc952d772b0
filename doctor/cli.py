"""The command group. A command's module is imported when the command is called, so that --help stays cheap."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import StringIO
from typing import Any

import click

from doctor import __version__
from doctor.errors import DoctorError, place

# name -> what `vlmdoctor --help` says of it; the module is doctor.commands.<name>
COMMANDS = {
    "check": "Read this machine and a target Python, say what is wrong and what to type.",
    "collect": "Write what check reads into a redacted snapshot file.",
    "diagnose": "Pasted tracebacks and environment reports -> ranked causes.",
    "run": "Run a command unchanged and diagnose it when it fails.",
    "fix": "One consistent plan of repairs: show it, apply it, undo it.",
    "fit": "Will this model fit the free GPU memory?",
    "smoke": "Prove that it runs: small inferences in the target interpreter.",
    "cache": "List and verify the Hugging Face cache.",
    "redact": "Print a text without credentials, names and addresses.",
    "env": "Print the managed environment variables for eval.",
    "rules": "List, show, test, add and refresh rules.",
    "explain": "Explain one rule in full.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands of this build, in the order of a user's work."""
        return [name for name in COMMANDS if _there(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object, imported now."""
        if cmd_name not in COMMANDS or not _there(cmd_name):
            return None
        command: click.Command = import_module(f"doctor.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for --help from the table above, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def _there(name: str) -> bool:
    return os.path.exists(os.path.join(os.path.dirname(__file__), "commands", name + ".py"))  # noqa: PTH110, PTH118, PTH120


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vlmdoctor")
def group() -> None:
    """Environment doctor for vision-language models: what is wrong here, and what exactly to type."""


def main(*args: Any, **kwargs: Any) -> None:
    """Entry point; the only place where errors become exit codes.

    0 clean, 1 findings at or above --fail-on, 2 usage, 3 the doctor could not do its work, 130 interrupted.
    """
    _survive_narrow_encodings()
    try:
        status = group.main(*args, **{"prog_name": "vlmdoctor", **kwargs, "standalone_mode": False})
        sys.stdout.flush()
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        told = StringIO()
        error.show(file=told)
        click.echo(_shown(told.getvalue()), err=True, nl=False)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except DoctorError as error:
        click.echo(f"vlmdoctor: {_shown(str(error))}", err=True)
        sys.exit(3)
    except OSError as error:
        sys.exit(_output_failed(error))
    except RecursionError:
        click.echo("vlmdoctor: the input is nested too deeply", err=True)
        sys.exit(3)
    except Exception as error:  # the last guard: a user is told, and never shown a traceback
        if os.environ.get("VLMDOCTOR_DEBUG"):
            raise
        click.echo(f"vlmdoctor: a defect of our own ({place(error)}); please report it", err=True)
        click.echo("VLMDOCTOR_DEBUG=1 shows where it came from", err=True)
        sys.exit(3)


def _shown(message: str) -> str:
    """A message about what was typed, without the credentials in it: it is pasted like a report."""
    from doctor.collect import secrets_text

    return secrets_text.redact(message)


def _output_failed(error: OSError) -> int:
    """A closed pipe or a full disk under our own output: say so when possible, never with a traceback."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())  # the interpreter's own flush at exit must not fail again
    if not isinstance(error, BrokenPipeError):
        try:
            click.echo(f"vlmdoctor: {error.strerror or error}", err=True)
        except OSError:
            os.dup2(devnull, sys.stderr.fileno())
    return 3


def _survive_narrow_encodings() -> None:
    """A locale without the characters of a report shows escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
