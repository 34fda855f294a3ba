"""`python -m tests.testnet MANIFEST.toml`: one network of real processes under load and faults, and what became of it.

First line: the manifest, its seed and the commit. Last line: exactly `N passed, M failed`, in checks. Exit code 0 when
nothing failed, 1 when something did, 2 when the manifest cannot be run.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from node.cli.errors import CommandError
from tests.testnet.generate import generate_manifest
from tests.testnet.manifest import ManifestError, load_manifest
from tests.testnet.netem import enter_lossy_network
from tests.testnet.run import NotReady, RunReport, run_manifest

DEFAULT_RPC_PORT = 20_000
EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Run what the command line says and return the exit code."""
    options = _parse(arguments)
    if options.generate is not None:
        print(generate_manifest(options.generate), end="")
        return EXIT_DONE
    try:
        manifest = load_manifest(options.manifest)
    except ManifestError as error:
        print(f"{options.manifest}: {error}", file=sys.stderr)
        return EXIT_USAGE
    has_netem, netem_note = enter_lossy_network(manifest)
    print(f"testnet {manifest.name} seed {manifest.seed} commit {_commit()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sycee-testnet-") as temporary:
        folder: Path = options.dir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            report = asyncio.run(
                run_manifest(manifest, folder, rpc_port=options.rpc_port, has_netem=has_netem, say=_say)
            )
        except (CommandError, NotReady) as error:
            print(error, file=sys.stderr)
            print("0 passed, 1 failed")
            return EXIT_FAILED
    report.notes.insert(0, netem_note)
    if options.report is not None:
        options.report.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    _print(report)
    return EXIT_FAILED if report.failed else EXIT_DONE


def _print(report: RunReport) -> None:
    facts = report.as_json()
    for note in report.notes:
        print(f"note    {note}")
    for event in report.events:
        back = f"back after {event.recovered_s - (event.ended_s or 0):.1f} s" if event.recovered_s is not None else ""
        kind, node = event.perturbation.kind.value, event.perturbation.node
        print(
            f"fault   {event.began_s:6.1f} s  {kind} {node} for {event.perturbation.for_s:g} s  {event.problem or back}"
        )
    print(
        f"load    {facts['payments_final']} of {facts['payments_sent']} payments final, "
        f"{facts['payments_resent']} resent, {facts['reads']} reads, latency {facts['latency_ms']} ms, "
        f"height {facts['height']}"
    )
    for entry in report.findings:
        print(f"{'pass' if entry.agrees else 'FAIL'}    {entry.name}: {entry.text}")
        for difference in entry.differences:
            print(f"          {difference}")
    print(f"{len(report.findings) - report.failed} passed, {report.failed} failed")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.testnet", description=__doc__)
    parser.add_argument("manifest", nargs="?", type=Path, help="what to run")
    parser.add_argument("--generate", type=int, metavar="SEED", help="print a manifest drawn from a seed and end")
    parser.add_argument("--rpc-port", type=int, default=DEFAULT_RPC_PORT, help="RPC port of the first validator")
    parser.add_argument("--dir", type=Path, help="empty folder for homes and logs, kept; default: a temporary one")
    parser.add_argument("--report", type=Path, help="also write the result here, as JSON")
    options = parser.parse_args(arguments)
    if (options.manifest is None) == (options.generate is None):
        parser.error("name a manifest, or --generate SEED")
    if options.dir is not None and options.dir.exists() and any(options.dir.iterdir()):
        parser.error(f"--dir {options.dir} is not empty")
    return options


def _say(line: str) -> None:
    print(line, flush=True)


def _commit() -> str:
    """Return the commit of the sources, or `unknown` outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
