"""`sycee-node config check`: is this configuration one a node would start with?"""

import json
from pathlib import Path

import click

from node.cli.homes import load_home
from node.config import render_with_origins


@click.group("config")
def command() -> None:
    """Look at a node's configuration."""


@command.command("check")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def check(home: Path, as_json: bool) -> None:
    """Print every value with its origin; an unknown key or a wrong value is an error."""
    loaded = load_home(home, flags={})
    if as_json:
        content = {key: {"value": value, "origin": loaded.origins[key].value} for key, value in loaded.values.items()}
        click.echo(json.dumps(content))
    else:
        click.echo(render_with_origins(loaded), nl=False)
