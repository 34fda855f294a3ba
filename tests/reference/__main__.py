"""Write docs/reference, or with `--check` say which pages are stale: `python -m tests.reference [--check]`."""

import sys

from tests.reference.pages import FOLDER, pages, stale


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        found = stale()
        for name in found:
            print(f"{name} is stale: run python -m tests.reference")
        return 1 if found else 0
    if sys.argv[1:]:
        print("usage: python -m tests.reference [--check]")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}: {len(text)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
