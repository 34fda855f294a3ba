"""scenarios.md: what the stories tell, in their own words."""

from importlib import import_module

from tests.reference.markdown import STAMP
from tests.scenarios.playing import SCENARIOS


def scenarios_page() -> str:
    """Return scenarios.md."""
    parts = ["# Scenarios\n", STAMP, HEAD]
    for name, networks in SCENARIOS.items():
        headline, _, story = (import_module(f"tests.scenarios.{name}").__doc__ or "").strip().partition("\n\n")
        needed = " Needs two networks." if networks == 2 else ""
        links = f"`python -m tests.scenarios {name}` · [code](../../tests/scenarios/{name}.py)"
        parts.append(f"## {headline}\n\n{' '.join(story.split())}{needed}\n\n{links}\n")
    return "\n".join(parts)


HEAD = """Stories of money on a running network, told with web3.py and the committed contracts alone. After every step
the balances of everybody in every currency and token are compared with what the story says, and nothing else may
have changed.

```sh
python -m tests.scenarios                 # all of them, on devnets started for it: about three minutes
python -m tests.scenarios dvp parking     # some
```
"""
