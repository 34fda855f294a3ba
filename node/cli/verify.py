"""`sycee-node verify`: execute the chain again from genesis and compare everything."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from node.cli.errors import EXIT_DONE, EXIT_FAILED
from node.cli.homes import load_home
from node.observe.chain_report import ChainReport
from node.observe.status_screen import format_minor


@click.command("verify")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Home of a node that is stopped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def command(home: Path, as_json: bool) -> int:
    """Re-execute every block: state roots, receipts, certificates and the supply of each currency."""
    loaded = load_home(home, flags={})
    from node.app import verify_chain  # loads the execution engine; errors in the home are told before that

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("heights verified", total=None)
        report = verify_chain(
            loaded.config,
            home,
            on_progress=lambda height, last: progress.update(task, completed=height, total=last),
        )
    click.echo(json.dumps(report_json(report)) if as_json else render_report(report), nl=as_json)
    return EXIT_DONE if report.agrees else EXIT_FAILED


def render_report(report: ChainReport) -> str:
    """Return the report for people, with a final newline."""
    lines = [
        f"heights       0 to {report.height_last}",
        f"transactions  {report.transactions:,} executed again",
        f"certificates  {report.certificates:,} verified",
        f"state root    0x{report.state_root.hex()}",
    ]
    for supply in report.supplies:
        lines.append(f"supply        {format_minor(supply.supply_minor, supply.decimals)} {supply.code}")
    lines += [f"FAULT         {fault}" for fault in report.faults]
    lines.append("Everything agrees." if report.agrees else "This chain does not agree with itself; do not use it.")
    return "\n".join(lines) + "\n"


def report_json(report: ChainReport) -> dict[str, object]:
    """Return the report for programs."""
    return {
        "schema": "sycee-verify/1",
        "agrees": report.agrees,
        "height_last": report.height_last,
        "state_root": "0x" + report.state_root.hex(),
        "transactions": report.transactions,
        "certificates": report.certificates,
        "supplies": [
            {"code": supply.code, "decimals": supply.decimals, "supply_minor": str(supply.supply_minor)}
            for supply in report.supplies
        ],
        "faults": list(report.faults),
    }
