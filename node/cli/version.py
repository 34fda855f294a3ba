"""`sycee-node version`: which program this is."""

import json

import click

from node.observe.build_info import build_facts, describe_build


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def command(as_json: bool) -> None:
    """Print version and commit."""
    build = build_facts()
    if as_json:
        click.echo(json.dumps({"version": build.version, "commit": build.commit}))
    else:
        click.echo(f"Sycee {describe_build(build)}")
