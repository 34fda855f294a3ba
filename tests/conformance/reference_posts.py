"""Lets Ethereum's executable specification say what the public state tests come to under Prague.

    REFERENCE/bin/python reference_posts.py FOLDER OUT [--fork Prague] [--from Cancun] [--part I/N]

The files of ethereum/tests end with Cancun; the executable specification (package `ethereum-execution`) computes the
same cases under Prague. It needs an environment of its own, since it pins other versions of libraries than Sycee, and
knows nothing of Sycee: its state, trie and EVM are the reference. Files are written where FOLDER has them; a file that
takes too long is left out and named.
"""

import argparse
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ethereum_spec_tools.evm_tools.statetest import TestCase, run_test_case  # type: ignore[import-not-found]
from ethereum_spec_tools.evm_tools.t8n import ForkCache  # type: ignore[import-not-found]

FILE_SECONDS_MAX = 40
"""Some files only measure speed; the specification is not written for that."""

# Any: the files' fields are what the specification reads them as.
Fields = dict[str, Any]


def posts_of(name: str, test: Fields, fork: str, known: str, cache: Any) -> Iterator[Fields]:
    """Return the post entries of a test, one for each of the known fork."""
    for index, post in enumerate(test["post"][known]):
        case = TestCase(
            path=name,
            key=name,
            index=index,
            fork_name=fork,
            post=post,
            env=test["env"],
            pre=test["pre"],
            transaction=test["transaction"],
        )
        result = run_test_case(case, cache)
        entry = {
            "indexes": post["indexes"],
            "hash": "0x" + bytes(result.state_root).hex(),
            "logs": "0x" + bytes(result.logs_hash).hex(),
        }
        if result.rejected:
            entry["expectException"] = str(result.rejected)
        yield entry


class TooSlow(Exception):
    """A file takes more than FILE_SECONDS_MAX."""


def _give_up(_signal: int, _frame: object) -> None:
    raise TooSlow


def main() -> None:
    """Write the files of a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fork", default="Prague")
    parser.add_argument("--from", dest="known", default="Cancun")
    parser.add_argument("--part", default="1/1", help="such as 2/8")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _give_up)
    number, count = map(int, options.part.split("/"))
    with ForkCache() as cache:
        for path in sorted(options.folder.rglob("*.json"))[number - 1 :: count]:
            target = options.out / path.relative_to(options.folder)
            if target.exists():
                continue
            content = json.loads(path.read_text())
            signal.alarm(FILE_SECONDS_MAX)
            try:
                for name, test in content.items():
                    if options.known in test.get("post", {}):
                        test["post"] = {options.fork: list(posts_of(name, test, options.fork, options.known, cache))}
            except TooSlow:
                print(f"LEFT OUT {path.relative_to(options.folder)}", flush=True)
                continue
            finally:
                signal.alarm(0)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(content))


if __name__ == "__main__":
    main()
