"""`sycee-node`: one file per command, loaded when it is called, so that none waits for another's libraries.

Assertions guard money while the node runs; under `python -O` they would be gone, so nothing starts then.
"""

import sys
from importlib import import_module

import click

from node.cli.errors import EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE, CommandError
from node.config import ConfigError
from node.storage.errors import StorageError, UnsafeData
from node.storage.files import LoosePermissions

COMMANDS = {
    "config": "node.cli.config_check",
    "db": "node.cli.db",
    "demo": "node.cli.demo",
    "devnet": "node.cli.devnet",
    "evidence": "node.cli.evidence",
    "init": "node.cli.init",
    "keys": "node.cli.keys",
    "rpc-key": "node.cli.rpc_key",
    "start": "node.cli.start",
    "status": "node.cli.status",
    "testnet": "node.cli.testnet",
    "validator": "node.cli.validator",
    "verify": "node.cli.verify",
    "version": "node.cli.version",
    "wal": "node.cli.wal",
}
"""Name to module; each module has a click command called `command`."""


class _LazyGroup(click.Group):
    """Imports a command's module only when that command, or the list of all, is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def group() -> None:
    """Run and look after a Sycee node. `sycee-node demo` shows one network from start to finish."""


def main() -> None:
    """Run the command line and exit with 0 done, 1 failed, 2 usage or 3 refused for safety."""
    if sys.flags.optimize:
        sys.stderr.write(
            "sycee-node does not run under python -O: its assertions guard the ledger. Start it without -O.\n"
        )
        sys.exit(EXIT_REFUSED)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line `arguments` and return the exit code; errors are explained on stderr."""
    try:
        outcome = group.main(args=arguments, prog_name="sycee-node", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return EXIT_FAILED
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_USAGE
    except CommandError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except LoosePermissions as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_REFUSED
    except UnsafeData as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_REFUSED
    except StorageError as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_FAILED
    return outcome if isinstance(outcome, int) else 0
