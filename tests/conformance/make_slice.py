"""Makes the committed slice of the public tests from their repository's files.

    python -m tests.conformance.make_slice ETHEREUM_TESTS PRAGUE_POSTS

ETHEREUM_TESTS is a checkout of ethereum/tests at the commit named in SOURCES.toml, PRAGUE_POSTS what
`reference_posts.py` made of its GeneralStateTests. Of every folder of state tests the smallest file that both forks
have is taken; transactions are taken all, without what other forks say of them; RLP and trie files as they are.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

SLICE = Path(__file__).parents[1] / "vectors" / "ethereum_tests"

STATE_FILE_BYTES_MAX = 60_000
"""Larger files stay out: the slice is read by people, too."""

# Any: the files are public data of many forms.
Content = dict[str, Any]


def main() -> None:
    """Write the slice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ethereum_tests", type=Path)
    parser.add_argument("prague_posts", type=Path)
    options = parser.parse_args()
    shutil.rmtree(SLICE / "state", ignore_errors=True)
    _write_state_tests(options.ethereum_tests / "GeneralStateTests", options.prague_posts)
    _write_transactions(options.ethereum_tests / "TransactionTests")
    for name in ("rlptest", "invalidRLPTest"):
        _copy(options.ethereum_tests / "RLPTests" / f"{name}.json", SLICE / "rlp" / f"{name}.json")
    for name in ("hex_encoded_securetrie_test", "trieanyorder_secureTrie", "trietest_secureTrie"):
        _copy(options.ethereum_tests / "TrieTests" / f"{name}.json", SLICE / "trie" / f"{name}.json")


def _write_state_tests(folder: Path, prague: Path) -> None:
    chosen: dict[Path, Path] = {}
    for path in sorted(folder.rglob("*.json"), key=lambda path: (path.stat().st_size, path)):
        group = path.relative_to(folder).parent
        twin = prague / path.relative_to(folder)
        if group in chosen or not twin.exists() or path.stat().st_size > STATE_FILE_BYTES_MAX:
            continue
        if all("Cancun" in test["post"] for test in json.loads(path.read_text()).values()):
            chosen[group] = path
    for path in chosen.values():
        content: Content = json.loads(path.read_text())
        other: Content = json.loads((prague / path.relative_to(folder)).read_text())
        for name, test in content.items():
            posts = {"Cancun": test["post"]["Cancun"], "Prague": other[name]["post"]["Prague"]}
            # Serialised transactions and whole states are not read.
            for entry in posts["Cancun"]:
                entry.pop("txbytes", None)
                entry.pop("state", None)
            test["post"] = posts
            test.pop("_info", None)
        target = SLICE / "state" / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content, indent=1) + "\n")


def _write_transactions(folder: Path) -> None:
    found: Content = {}
    for path in sorted(folder.rglob("*.json")):
        text = path.read_text()
        for name, test in (json.loads(text) if text else {}).items():
            result = test.get("result", {}).get("Cancun")
            if result is not None:
                found[f"{path.relative_to(folder).parent}/{name}"] = {"txbytes": test["txbytes"], **result}
    target = SLICE / "transactions.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


if __name__ == "__main__":
    main()
