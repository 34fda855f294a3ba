"""Run the client scripts against two nodes and compare, or record what one node makes them print.

`python -m tests.clients compare --node-a URL --node-b URL [SCRIPT …]`
`python -m tests.clients record --node URL [SCRIPT …]`

Both nodes need the public development accounts, and an account's transactions must become final without help.
"""

import argparse
import sys
from collections.abc import Sequence

from tests.clients.running import (
    SCRIPTS,
    Script,
    Transcript,
    describe_difference,
    differing_parts,
    run_script,
    transcript_file,
)
from tests.clients.tools import NodeAddress, Tools, find_tools

ALL_EQUAL, SOME_DIFFER, NOT_RUN = 0, 1, 2
"""What the command ends with."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return what the process ends with."""
    options = parse(arguments)
    tools = find_tools()
    if tools is None:
        print("not run: the clients are not installed; run tests/clients/install_tools.sh", file=sys.stderr)
        return NOT_RUN
    chosen = [script for script in SCRIPTS if script.name in options.scripts or not options.scripts]
    if options.command == "record":
        return record(chosen, NodeAddress(options.node), tools)
    return compare(chosen, NodeAddress(options.node_a), NodeAddress(options.node_b), tools)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the process with a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    commands = parser.add_subparsers(dest="command", required=True)
    comparing = commands.add_parser("compare", help="run every script against two nodes")
    comparing.add_argument("--node-a", required=True, metavar="URL", help="http://127.0.0.1:8545")
    comparing.add_argument("--node-b", required=True, metavar="URL")
    recording = commands.add_parser("record", help="write the transcripts that every node must print")
    recording.add_argument("--node", required=True, metavar="URL")
    for command in (comparing, recording):
        command.add_argument("scripts", nargs="*", metavar="SCRIPT", help=", ".join(script.name for script in SCRIPTS))
    options = parser.parse_args(arguments)
    known = {script.name for script in SCRIPTS}
    for name in options.scripts:
        if name not in known:
            parser.error(f"there is no script {name!r}; there are {', '.join(sorted(known))}")
    return options


def compare(scripts: Sequence[Script], node_a: NodeAddress, node_b: NodeAddress, tools: Tools) -> int:
    """Run `scripts` against both nodes and print the table; return ALL_EQUAL or SOME_DIFFER."""
    differences: list[str] = []
    print(f"{'script':<14}{'parts':>6}{'lines':>7}{'equal':>7}{'different':>11}")
    for script in scripts:
        first, second = (run_script(script, node, tools) for node in (node_a, node_b))
        different = differing_parts(first, second)
        total = len({**first.parts, **second.parts})
        print(f"{script.name:<14}{total:>6}{len(first.lines):>7}{total - len(different):>7}{len(different):>11}")
        for part in different:
            differences += [f"{script.name}, {part}:", *describe_difference(first, second, part)]
        differences += failures(script, first)
    print("\n".join(differences) if differences else "Both nodes printed the same.")
    return SOME_DIFFER if differences else ALL_EQUAL


def failures(script: Script, transcript: Transcript) -> list[str]:
    """Return the failed parts of a transcript, or that it is empty: equal failures prove nothing."""
    if not transcript.parts:
        return [f"{script.name}: printed nothing", transcript.complaints]
    return [
        f"{script.name}, {part}: {line}"
        for part, lines in transcript.parts.items()
        for line in lines
        if line.startswith("FAILED")
    ]


def record(scripts: Sequence[Script], node: NodeAddress, tools: Tools) -> int:
    """Write the transcripts of `scripts`, but none with a failed part; return ALL_EQUAL, or SOME_DIFFER if one has."""
    status = ALL_EQUAL
    for script in scripts:
        transcript = run_script(script, node, tools)
        failed = failures(script, transcript)
        if failed:
            print(*failed, transcript.complaints, sep="\n")
            status = SOME_DIFFER
            continue
        transcript_file(script).parent.mkdir(exist_ok=True)
        transcript_file(script).write_text("\n".join(transcript.lines) + "\n")
        print(f"{script.name}: {len(transcript.lines)} lines")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
