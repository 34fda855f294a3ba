"""A static analyser over the settlement contracts: `python -m tests.contracts.settlement.analysis MYTH [NAME …]`.

MYTH is the program of Mythril, which wants an environment of its own (`pip install mythril`) and knows bytecode of the
Paris rules only. The sources are therefore compiled for these, without optimisation, so that the dispatcher is a chain
of comparisons it can follow: what differs is how the guard against re-entry is kept, not what a contract does. Slither
does not read this Vyper. One call from any state is explored; every finding must be explained below.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Final

from vyper.cli.vyper_compile import compile_files  # type: ignore[import-untyped]
from vyper.compiler.settings import OptimizationLevel, Settings  # type: ignore[import-untyped]

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "contracts" / "analysis.md"
SECONDS_PER_CONTRACT: Final = 150

EXPLAINED: Final = {
    "116": "deadlines, windows and periods are compared with the block's second, which a leader can move by half"
    " a second at most against the voters' clocks; no contract draws lots with it",
    "107": "tokens are foreign contracts and are called on purpose; the guard of `# pragma nonreentrancy on` locks"
    " every function and every view meanwhile, and what a token moved is measured",
    "104": "a refused payment is owed instead: the answer is read, and a call starved of gas reverts with GasTooLow",
    "113": "a token that refuses makes the call revert with its own reason, or the amount is owed; nobody else's way"
    " out depends on it",
    "110": "an assertion of the compiler: arithmetic that would overflow and lists that are too long revert",
    "101": "the compiler checks arithmetic; the analyser does not see the check behind an unoptimised comparison",
    "123": "a requirement of a token that the analyser chose to break",
}
"""By the number of the Smart Contract Weakness Classification."""


def contract_names() -> list[str]:
    """Return the names of the contracts, without the modules they share."""
    sources = (resources.files("contracts") / "src").iterdir()
    return sorted(entry.name.removesuffix(".vy") for entry in sources if entry.name[0].isupper())


def runtime_code(name: str) -> str:
    """Return the code to analyse, in hex."""
    with tempfile.TemporaryDirectory() as folder:
        for entry in (resources.files("contracts") / "src").iterdir():
            if entry.name.endswith(".vy"):
                source = re.sub(r"# pragma evm-version \w+", "# pragma evm-version paris", entry.read_text("utf-8"))
                (Path(folder) / entry.name).write_text(source)
        path = Path(folder) / f"{name}.vy"
        settings = Settings(optimize=OptimizationLevel.NONE, evm_version="paris")
        [compiled] = compile_files([path], ["bytecode_runtime"], paths=[folder], settings=settings).values()
    return str(compiled["bytecode_runtime"]).removeprefix("0x")


def analyse(myth: str, name: str) -> Counter[tuple[str, str, str]]:
    """Return how often each kind of finding occurs: (number, title, severity)."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        code.write_text(runtime_code(name))
        command = [myth, "analyze", "-f", str(code), "--bin-runtime", "-t", "1", "-o", "json"]
        command += ["--execution-timeout", str(SECONDS_PER_CONTRACT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10 * SECONDS_PER_CONTRACT)
    report = json.loads(done.stdout)
    assert report["error"] is None, report["error"]
    return Counter((issue["swc-id"], issue["title"], issue["severity"]) for issue in report["issues"])


def page(found: dict[str, Counter[tuple[str, str, str]]]) -> str:
    """Return analysis.md."""
    rows = [
        f"| {name} | SWC-{number} {title} | {severity} | {count} |"
        for name, findings in found.items()
        for (number, title, severity), count in sorted(findings.items())
    ]
    clean = [name for name, findings in found.items() if not findings]
    numbers = sorted({number for findings in found.values() for number, _, _ in findings})
    explained = [f"- **SWC-{number}**: {EXPLAINED[number]}." for number in numbers]
    parts = [HEAD, "| contract | finding | severity | places |", "| --- | --- | --- | --- |", *rows, ""]
    if clean:
        parts += [f"Nothing was found in {', '.join(clean)}.", ""]
    return "\n".join([*parts, "## Why each may stay", "", *explained, ""])


HEAD: Final = """# What a static analyser says

Written by `python -m tests.contracts.settlement.analysis MYTH`, with Mythril 0.24.8 (symbolic execution of
bytecode, one call from any state, two and a half minutes a contract). Slither does not read Vyper 0.4. Mythril
knows the rules of Paris, so the sources are compiled for these and without optimisation; the guard against re-
entry then lies in storage instead of transient storage.
"""


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: python -m tests.contracts.settlement.analysis MYTH [NAME …]", file=sys.stderr)
        return 2
    names = sys.argv[2:] or contract_names()
    found: dict[str, Counter[tuple[str, str, str]]] = {}
    for name in names:
        found[name] = analyse(sys.argv[1], name)
        for (number, title, severity), count in sorted(found[name].items()):
            print(f"{name}: SWC-{number} {title} ({severity}), {count} places", flush=True)
        print(f"{name}: done", flush=True)
    unexplained = {number for findings in found.values() for number, _, _ in findings} - EXPLAINED.keys()
    if unexplained:
        print(f"not explained: {sorted(unexplained)}", file=sys.stderr)
        return 1
    if len(sys.argv) == 2:
        PAGE.write_text(page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
