"""Builds openrpc.json from a checkout of the specification: `python -m tests.conformance.execution_apis.build FOLDER`.

Takes the methods and schemas as they are written and leaves out what a check of answers does not read. Never changes
a schema: an answer that fails is wrong until the specification says otherwise.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

METHOD_FOLDERS = ("debug", "eth", "txpool")
METHOD_MEMBERS = ("name", "params", "result")
"""Summaries, examples and error texts are for readers."""

OPENRPC = Path(__file__).with_name("openrpc.json")


def build(checkout: Path) -> dict[str, Any]:
    """Return the methods and schemas of a checkout as one document, everything in the order of its name."""
    methods: list[dict[str, Any]] = []
    for folder in METHOD_FOLDERS:
        for path in sorted((checkout / "src" / folder).glob("*.yaml")):
            for method in yaml.safe_load(path.read_text()):
                methods.append({member: method[member] for member in METHOD_MEMBERS if member in method})
    schemas: dict[str, Any] = {}
    for path in sorted((checkout / "src" / "schemas").glob("*.yaml")):
        for name, schema in yaml.safe_load(path.read_text()).items():
            assert name not in schemas, f"two schemas are called {name}"
            schemas[name] = schema
    return {"methods": sorted(methods, key=lambda method: method["name"]), "components": {"schemas": schemas}}


if __name__ == "__main__":
    OPENRPC.write_text(json.dumps(build(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n")
