"""`sycee-node start`: run one node until it is told to stop."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from node.cli.errors import UsageError
from node.cli.homes import load_home
from node.config import PORT_MAX, SETTINGS, format_value, render_with_origins

INSTANCE_PORT_STEP = 10
"""How far `--instance N` moves every port, times N."""
PORT_KEYS = ("rpc.port", "ops.port", "p2p.port")

Function = TypeVar("Function", bound=Callable[..., object])


class InstanceOutOfRange(UsageError):
    """A shift that leaves the range of ports."""

    def __init__(self, instance: int, port: int) -> None:
        self.instance = instance
        super().__init__(f"--instance {instance} moves port {port} beyond {PORT_MAX}")


def _setting_options(function: Function) -> Function:
    """Give `function` one option per setting."""
    for described in reversed(SETTINGS.values()):
        default = f"default {format_value(described.default)}"
        option = click.option(
            described.flag,
            described.key.replace(".", "__"),
            metavar="VALUE",
            help=f"{described.meaning} ({default}; {described.environment})",
        )
        function = option(function)
    return function


@click.command("start")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--instance", type=click.IntRange(0, 1_000), default=0, help="Shift every port by 10 times this.")
@click.option("--print-config", is_flag=True, help="Print every value and its origin, and do not start.")
@_setting_options
def command(home: Path, instance: int, print_config: bool, **settings: str | None) -> int:
    """Run a node. SIGINT and SIGTERM stop it cleanly."""
    flags = {name.replace("__", "."): text for name, text in settings.items() if text is not None}
    loaded = load_home(home, flags=flags)
    if instance:
        for key in PORT_KEYS:
            port = loaded.values[key]
            assert isinstance(port, int)
            if port + INSTANCE_PORT_STEP * instance > PORT_MAX:
                raise InstanceOutOfRange(instance, port)
            flags[key] = str(port + INSTANCE_PORT_STEP * instance)
        loaded = load_home(home, flags=flags)
    if print_config:
        click.echo(render_with_origins(loaded), nl=False)
        return 0
    from node.app import run_node  # the node's libraries take a second to load; --help and errors do not wait for them

    return run_node(loaded.config, home)
