"""The frame of every command: global options anywhere, what it needs, errors in three lines, exit codes."""

import functools
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import click

from wallet_cli.errors import Declined, Exit, UsageRefused, UserError
from wallet_cli.home import open_home
from wallet_cli.session import Session, Settings

INCIDENT_BYTES: Final = 4
"""Random bytes of an incident id: enough to find one entry of a log."""

TIMEOUT_S_MAX: Final = 600
"""Longest `--timeout`; nodes wait 30 s at most and the wallet polls beyond."""


class Need(Enum):
    """What a command uses; one that does not declare it never touches it."""

    NETWORK = "network"
    KEY = "key"


class WalletCommand(click.Command):
    """A command with the global options, its needs and two examples in its help."""

    needs: tuple[Need, ...] = ()
    examples: tuple[str, ...] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write needs and examples below the options."""
        needs = ", ".join(need.value for need in self.needs) or "neither network nor key"
        formatter.write_paragraph()
        formatter.write_text(f"Needs: {needs}. Global options (sycee --help) may stand anywhere.")
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write_text(example)


class WalletGroup(click.Group):
    """A group whose commands are imported when used."""

    def __init__(
        self,
        *args: Any,
        table: dict[str, tuple[str, str]],
        aliases: Mapping[str, str] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._table = table
        self._aliases = aliases

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        first, *rest = self._aliases[cmd_name].split() if cmd_name in self._aliases else [cmd_name]
        entry = self._table.get(first)
        if entry is None:
            return None
        module, attribute = entry[0].split(":")
        command: click.Command | None = getattr(import_module(module), attribute)
        for name in rest:
            assert isinstance(command, click.Group), "aliases lead through groups"
            command = command.get_command(ctx, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self._table.items()])
        if self._aliases:
            with formatter.section("Aliases"):
                formatter.write_dl([(alias, f"sycee {name}") for alias, name in self._aliases.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and leave with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        settings = extra.get("obj") or Settings()
        settings.is_json = "--json" in words
        extra["obj"] = settings
        try:
            super().main(words, prog_name or "sycee", complete_var, standalone_mode=False, **extra)
        except UserError as error:
            sys.exit(_report(settings, error))
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(Exit.USAGE)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "sycee"
            usage = UsageRefused(
                error.format_message(), why="the command line does not say what to do", next_step=f"{path} --help"
            )
            sys.exit(_report(settings, usage))
        except (click.Abort, KeyboardInterrupt):
            left = Declined("left by the user", why="Ctrl-C or end of input", next_step="repeat the command")
            sys.exit(_report(settings, left))
        except Exception as error:
            sys.exit(_report(settings, _incident(settings, error)))
        sys.exit(Exit.DONE)


def wallet_command(
    name: str, *, needs: tuple[Need, ...], examples: tuple[str, ...]
) -> Callable[[Callable[..., None]], WalletCommand]:
    """Make a command of a function that takes the session first; its docstring is the help."""

    def decorate(function: Callable[..., None]) -> WalletCommand:
        @functools.wraps(function)
        def run(**arguments: Any) -> None:
            settings = click.get_current_context().find_object(Settings)
            assert settings is not None
            try:
                with Session(settings) as session:
                    function(session, **arguments)
            except BrokenPipeError:
                # Who read has seen enough. Caught here, because click would make it an error.
                _leave_pipe()

        command = click.command(name, cls=WalletCommand)(run)
        command.needs = needs
        command.examples = examples
        command.params.extend(global_options(is_hidden=True))
        return command

    return decorate


def global_options(*, is_hidden: bool) -> list[click.Parameter]:
    """Return the options that every command takes."""

    def store(attribute: str, *, scale: int = 1) -> Callable[[click.Context, click.Parameter, Any], None]:
        def remember(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
            if value not in (None, (), False, 0) or (attribute == "password_fd" and value == 0):
                settings = context.find_object(Settings)
                assert settings is not None
                setattr(settings, attribute, value * scale if scale != 1 else value)

        return remember

    def option(*names: str, to: str, scale: int = 1, env: str | None = None, **attributes: Any) -> click.Option:
        # Environment variables are read once, by the group: a subcommand would overrule its flag with them.
        variable = None if is_hidden else env
        return click.Option(
            names, callback=store(to, scale=scale), expose_value=False, hidden=is_hidden, envvar=variable, **attributes
        )

    seconds = click.IntRange(1, TIMEOUT_S_MAX)
    return [
        option("--home", to="home", env="SYCEE_WALLET_HOME", metavar="DIR", help="Keep everything under DIR."),
        option("--network", to="network", env="SYCEE_WALLET_NETWORK", metavar="NAME", help="Network to use."),
        option("--rpc", to="rpc", multiple=True, metavar="URL", help="Endpoint to ask; repeatable."),
        option("--from", "sender", to="sender", env="SYCEE_WALLET_FROM", metavar="NAME", help="Account to use."),
        option("--json", "as_json", to="is_json", is_flag=True, help="One JSON object on stdout."),
        option("--yes", to="is_yes", is_flag=True, help="Answer the question with yes."),
        option("--dry-run", to="is_dry_run", is_flag=True, help="Show what would be done; sign and send nothing."),
        option("--timeout", to="timeout_ms", scale=1000, env="SYCEE_WALLET_TIMEOUT", type=seconds, metavar="S",
               help="Seconds to wait for an outcome (default 10)."),
        option("--password-fd", to="password_fd", type=click.IntRange(0), metavar="N",
               help="Read the password from file descriptor N."),
        option("--password-file", to="password_file", metavar="PATH", help="Read the password from PATH (mode 0600)."),
        option("--no-color", to="is_plain", is_flag=True, help="No colours; so does NO_COLOR."),
        option("-v", "--verbose", to="verbosity", count=True, help="Say more on stderr."),
    ]  # fmt: skip


def _report(settings: Settings, error: UserError) -> int:
    try:
        settings.output().failure(error)
    except BrokenPipeError:
        # Nobody reads; the exit code still says it.
        _leave_pipe()
    return int(error.exit_code)


def _leave_pipe() -> None:
    """Let what is still buffered for a closed stdout go nowhere, or the interpreter fails when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _incident(settings: Settings, error: Exception) -> UserError:
    """Write where an internal error happened to the log, without its message or values, and name it."""
    incident = secrets.token_hex(INCIDENT_BYTES)
    frames = "".join(
        f"  {frame.filename}:{frame.lineno} {frame.name}\n" for frame in traceback.extract_tb(error.__traceback__)
    )
    path = open_home(settings.home, {}).incident_log if settings.home else None
    if path is not None and path.parent.is_dir():
        with path.open("a", encoding="utf-8") as log:
            log.write(f"incident {incident} {type(error).__name__}\n{frames}")
    elif settings.verbosity:
        click.echo(frames, err=True)
    return UserError(
        f"internal error {type(error).__name__}, incident {incident}",
        why="this is a bug of the wallet; signed payments are in the outbox and can be resumed",
        next_step=f"report the incident with {path}" if path else "repeat with -v and report what it prints",
    )
