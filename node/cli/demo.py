"""`sycee-node demo`: real payments settle on a real network, and the ledger is reconciled with the file."""

import asyncio
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from node.cli.banner import render_banner
from node.cli.demo_run import DemoResult, DemoRun
from node.cli.devnet_folder import DevnetOptions
from node.cli.devnet_network import Devnet, describe_path, shown_program, stop_like_ctrl_c
from node.cli.errors import CommandError
from node.cli.json_rpc import EndpointDown
from node.cli.network_plan import CURRENCIES
from node.cli.payments_file import BadRow, PaymentsFile, load_banks, load_payments
from node.cli.reconciliation import DIFFERENCES_SHOWN_MAX
from node.observe.status_screen import format_minor

SHIPPED_PAYMENTS = "interbank_payments_5000.csv"
BAD_ROWS_SHOWN_MAX = 1_000
"""Rows named line by line; a file with more wrong rows than this is the wrong file."""
WALLET_AMOUNT = "12.34 EUR"


class NothingToSend(CommandError):
    """No row of the file is beyond doubt."""

    def __init__(self, bad_rows: int) -> None:
        self.bad_rows = bad_rows
        super().__init__(f"the payments file has no row that can be sent; {bad_rows} rows are wrong")


class LedgerDiffers(CommandError):
    """The reconciliation found a difference; it has been printed."""

    def __init__(self) -> None:
        super().__init__("the ledger and the file differ")


class ValidatorsGone(CommandError):
    """The network stopped answering in the middle."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the demonstration cannot go on: {reason}")


@click.command("demo")
@click.option(
    "--payments", type=click.Path(path_type=Path), help="CSV of payments; default the 5,000 that are shipped."
)
@click.option("--banks", type=click.Path(path_type=Path), help="CSV of the BICs that exist; default: any valid BIC.")
@click.option("--currency", type=click.Choice([plan.code for plan in CURRENCIES]), default="CNY", show_default=True)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Folder of the network; default a temporary one."
)
@click.option("--validators", type=int, help="Number of validators of a new network; default 4.")
@click.option("--rpc-port", type=int, help="RPC port of the first validator; default 8545.")
@click.option("--keep", is_flag=True, help="Leave the network running at the end, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="The reconciliation as one JSON object; talk goes to stderr.")
def command(
    payments: Path | None,
    banks: Path | None,
    currency: str,
    folder: Path | None,
    validators: int | None,
    rpc_port: int | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Start a network, settle a file of payments through all validators, and reconcile the ledger with the file."""
    stop_like_ctrl_c()
    console = Console(stderr=as_json, highlight=False)
    file = _load(payments, banks)
    _print_file(console, file, payments)
    if not file.payments:
        raise NothingToSend(len(file.bad_rows))
    with _demo_folder(console, folder) as chosen:
        options = DevnetOptions(folder=chosen, validators=validators, rpc_port=rpc_port)
        try:
            _run(
                console,
                options,
                file,
                currency=currency,
                keeps_state=folder is not None,
                keep=keep,
                as_json=as_json,
            )
        except EndpointDown as error:
            raise ValidatorsGone(str(error)) from error


@contextmanager
def _demo_folder(console: Console, folder: Path | None) -> Iterator[Path]:
    """Yield `folder`, or a temporary one that is removed unless something went wrong in it."""
    if folder is not None:
        yield folder
        return
    temporary = Path(tempfile.mkdtemp(prefix="sycee-demo-"))
    try:
        yield temporary / "devnet"
    except CommandError:
        console.print(f"logs and state are kept in {temporary}", markup=False, soft_wrap=True)
        raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(temporary, ignore_errors=True)


def _run(
    console: Console,
    options: DevnetOptions,
    file: PaymentsFile,
    *,
    currency: str,
    keeps_state: bool,
    keep: bool,
    as_json: bool,
) -> None:
    with Devnet(options, say=lambda line: console.print(line, markup=False, soft_wrap=True)) as devnet:
        with console.status("starting validators"):
            devnet.start()
        console.print(render_banner(devnet, keeps_state=keeps_state), markup=False, soft_wrap=True)
        demo = DemoRun(devnet, file, code=currency)
        with console.status(f"funding {len(file.banks)} banks"):
            asyncio.run(demo.fund())
        _pay_from_wallet(console, devnet)
        result = _replay(console, demo, len(file.payments))
        console.print(_table(file, result, currency))
        _print_differences(console, result)
        if as_json:
            click.echo(json.dumps(result_json(file, result)))
        if keep:
            home = describe_path(devnet.folder.folder)
            console.print(f"The network keeps running ({home}); Ctrl-C stops it.", markup=False)
            _follow_until_interrupted(devnet)
    if not result.agrees:
        raise LedgerDiffers


def _follow_until_interrupted(devnet: Devnet) -> None:
    try:
        devnet.follow()
    except KeyboardInterrupt:
        return


def _load(payments: Path | None, banks: Path | None) -> PaymentsFile:
    known = load_banks(banks) if banks is not None else None
    if payments is not None:
        return load_payments(payments, banks=known)
    with as_file(files("node.cli") / "data" / SHIPPED_PAYMENTS) as shipped:
        return load_payments(shipped, banks=known)


def _print_file(console: Console, file: PaymentsFile, path: Path | None) -> None:
    name = str(path) if path is not None else f"{SHIPPED_PAYMENTS} (shipped)"
    shown = ", ".join(file.banks[:DIFFERENCES_SHOWN_MAX]) + (", …" if len(file.banks) > DIFFERENCES_SHOWN_MAX else "")
    console.print(
        f"{name}: {len(file.payments):,} payments between {len(file.banks)} banks: {shown}",
        markup=False,
        soft_wrap=True,
    )
    if file.bad_rows:
        console.print(f"{len(file.bad_rows):,} rows are wrong; nothing of them is sent:")
    for row in file.bad_rows[:BAD_ROWS_SHOWN_MAX]:
        console.print(_bad_row(row), markup=False, soft_wrap=True)
    if len(file.bad_rows) > BAD_ROWS_SHOWN_MAX:
        console.print(f"  and {len(file.bad_rows) - BAD_ROWS_SHOWN_MAX:,} more")


def _bad_row(row: BadRow) -> str:
    return f"  line {row.line}: {row.reason}"


def _pay_from_wallet(console: Console, devnet: Devnet) -> None:
    """Let the wallet pay bob, as a person would, and show what it says."""
    arguments = ("send", "bob", WALLET_AMOUNT, "--from", "alice", "--memo", "demo")
    shown = " ".join(shlex.quote(part) for part in arguments)
    console.print(
        f"\n$ {shown_program('sycee')} --home {describe_path(devnet.wallet.folder)} {shown}",
        markup=False,
        soft_wrap=True,
    )
    done = devnet.wallet.require("--yes", *arguments)
    for line in (done.stderr + done.stdout).splitlines():
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print()


def _replay(console: Console, demo: DemoRun, count: int) -> DemoResult:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("payments final", total=count)
        return asyncio.run(demo.replay_and_reconcile(on_progress=lambda final: progress.update(task, completed=final)))


def _table(file: PaymentsFile, result: DemoResult, code: str) -> Table:
    table = Table(title="Reconciliation", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("found")
    table.add_column("verdict")
    for finding in result.findings:
        table.add_row(finding.name, finding.text, "agrees" if finding.agrees else "DIFFERS")
    decimals = next(plan.decimals for plan in CURRENCIES if plan.code == code)
    table.add_row("turnover", f"{format_minor(file.total_minor, decimals)} {code}", "")
    table.add_row("rows not sent", f"{len(file.bad_rows):,}", "")
    table.add_row(
        "throughput", f"{result.payments_per_s:,.0f} payments per second, {result.duration_s:.1f} s in all", ""
    )
    latency = (
        f"p50 {result.latency_p50_s * 1000:,.0f} ms, p99 {result.latency_p99_s * 1000:,.0f} ms from sending to final"
    )
    table.add_row("finality", latency, "")
    table.add_row("blocks", f"{result.heights:,} with payments", "")
    if result.resent:
        table.add_row("sent again", f"{result.resent:,} times, the same bytes", "")
    return table


def _print_differences(console: Console, result: DemoResult) -> None:
    for finding in result.findings:
        for difference in finding.differences[:DIFFERENCES_SHOWN_MAX]:
            console.print(f"{finding.name}: {difference}", markup=False, soft_wrap=True)
        if len(finding.differences) > DIFFERENCES_SHOWN_MAX:
            console.print(f"{finding.name}: and {len(finding.differences) - DIFFERENCES_SHOWN_MAX:,} more")
    if result.agrees:
        console.print("Everything agrees.")


def result_json(file: PaymentsFile, result: DemoResult) -> dict[str, object]:
    """Return the reconciliation for programs."""
    return {
        "schema": "sycee-demo/1",
        "agrees": result.agrees,
        "findings": [
            {
                "name": finding.name,
                "agrees": finding.agrees,
                "found": finding.text,
                "differences": list(finding.differences),
            }
            for finding in result.findings
        ],
        "payments": len(file.payments),
        "payments_final": result.payments_final,
        "turnover_minor": str(file.total_minor),
        "bad_rows": [{"line": row.line, "reason": row.reason} for row in file.bad_rows],
        "duration_ms": round(result.duration_s * 1000),
        "payments_per_s": round(result.payments_per_s, 1),
        "latency_p50_ms": round(result.latency_p50_s * 1000),
        "latency_p99_ms": round(result.latency_p99_s * 1000),
        "resent": result.resent,
    }
