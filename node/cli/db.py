"""`sycee-node db`: what can be done to a stopped node's ledger; nothing here changes a block or the state."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from node.chain.indexes import INDEX_GROUPS, rebuild_indexes
from node.cli.homes import load_home


@click.group("db")
def command() -> None:
    """Look after the ledger of a stopped node."""


@command.command("reindex")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Home of a node that is stopped.")
@click.option(
    "--index",
    "chosen",
    multiple=True,
    type=click.Choice(INDEX_GROUPS),
    help="Build this one only; may be given again. Default: those of [storage] indexes.",
)
def reindex(home: Path, chosen: tuple[str, ...]) -> None:
    """Build indexes again from blocks and receipts. Interrupted, it is finished by the next start of the node."""
    loaded = load_home(home, flags={})
    from node.app import opened_ledger  # loads the execution engine; errors in the home are told before that

    groups = chosen or loaded.config.storage.indexes
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with opened_ledger(home) as (store, document), Progress(*columns, console=Console(stderr=True)) as progress:
        for group in groups:
            task = progress.add_task(f"heights of {group}", total=None)

            def show(height: int, last: int, task: TaskID = task) -> None:
                progress.update(task, completed=height, total=last)

            rebuild_indexes(store, document, (group,), on_progress=show)
    click.echo(f"built {', '.join(groups) or 'nothing: [storage] indexes is empty'}")
