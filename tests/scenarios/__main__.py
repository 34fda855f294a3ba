"""Tell stories on devnets that are started for them: `python -m tests.scenarios [NAME …]`."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.scenarios.playing import SCENARIOS, headline, play, stages


def main() -> int:
    names = sys.argv[1:] or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"there is no story {unknown[0]}; stories are {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="sycee-scenarios-") as folder, ExitStack() as open_until:
        count = max(SCENARIOS[name] for name in names)
        print(f"starting {count} network{'s' * (count > 1)} …", flush=True)
        places = stages(count, Path(folder), lambda sentence: print(f"  - {sentence}", flush=True), open_until)
        for name in names:
            print(f"\n{name}: {headline(name)}", flush=True)
            play(name, places)
            print("  every balance is as told", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
