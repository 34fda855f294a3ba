"""rpc.md: every method with an example that the tests hold to be true, and the types it names."""

import json
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from node.rpc.call_list import METHODS
from node.rpc.methods import Method
from node.rpc.openrpc.document import TYPES, errors_of, namespace_of, summary_and_description
from node.rpc.openrpc.parameters import PARAMETERS
from node.rpc.rates import COSTS
from tests.node.rpc.conversations import FOLDER, read_conversation
from tests.reference.markdown import STAMP, code, codes, table

EXAMPLE_CHARACTERS_MAX = 700
"""Longer answers end with an ellipsis: what they hold is said by their type."""

OF_EVERY_METHOD = {"InvalidParameter", "MissingParameter", "SurplusParameters"}

NAMESPACES = {
    "eth": "Ethereum",
    "net": "the network",
    "web3": "the client",
    "sycee": "this network's own",
    "ots": "what the Otterscan explorer asks",
    "debug": "traces and raw bytes",
    "txpool": "pending transactions; not served unless the operator says so",
    "rpc": "what is served here",
}
"""In the order of the page."""


def rpc_page() -> str:
    """Return rpc.md."""
    by_namespace = {
        namespace: dict(methods)
        for namespace, methods in groupby(
            sorted(METHODS.items(), key=lambda entry: (list(NAMESPACES).index(namespace_of(entry[0])), entry[0])),
            key=lambda entry: namespace_of(entry[0]),
        )
    }
    parts = ["# JSON-RPC\n", STAMP, HEAD]
    parts.append(
        " · ".join(f"[{name}](#{name}-{_anchor(title)})" for name, title in NAMESPACES.items()) + " · [types](#types)\n"
    )
    for namespace, title in NAMESPACES.items():
        parts.append(f"## {namespace}: {title}\n")
        parts += [_method(name, method) for name, method in by_namespace[namespace].items()]
    parts += [
        "## Types\n",
        table(("type", "what it is"), [(f'<a id="{name}"></a>{code(name)}', _type(name)) for name in sorted(TYPES)]),
    ]
    return "\n".join(parts)


def _anchor(title: str) -> str:
    return "".join(
        character for character in title.lower().replace(" ", "-") if character.isalnum() or character == "-"
    )


def _method(name: str, method: Method) -> str:
    summary, description = summary_and_description(method)
    lines = [f"### {name}\n", f"{summary} {description}".strip() + "\n"]
    names = method.parameter_names.split()
    if names:
        rows = [
            (
                code(parameter),
                _notation(PARAMETERS[parameter].schema),
                _needed(index, method) + PARAMETERS[parameter].description,
            )
            for index, parameter in enumerate(names)
        ]
        lines.append(table(("parameter", "type", ""), rows))
    own = [error.__name__ for error in errors_of(name, method) if error.__name__ not in OF_EVERY_METHOD]
    result = f"Result: {_result(method.result)}."
    cost = f" Costs {COSTS[name]} units." if name in COSTS else ""
    errors = f" Errors: {', '.join(own)}." if own else ""
    lines.append(f"{result}{cost}{errors}\n")
    example = _example(name)
    if example:
        lines.append(f"```json\n{example}\n```\n")
    return "\n".join(lines)


def _needed(index: int, method: Method) -> str:
    return "" if index < method.parameters_min else "Optional. "


def _result(notation: str) -> str:
    if notation.endswith("?"):
        return f"{_result(notation[:-1])}, or null"
    if notation.endswith("[]"):
        return f"a list of {_result(notation[:-2])}"
    return f"[{notation}](#{notation})"


@cache
def _conversations(name: str) -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    found = []
    for path in sorted(FOLDER.glob(f"{name}/*.io")):
        for exchange in read_conversation(path):
            request = json.loads(exchange.request)
            if isinstance(request, dict) and request.get("method") == name and "result" in exchange.answer:
                found.append((path, request, exchange.answer))
    return found


def _example(name: str) -> str | None:
    """Return the recorded call with the most to see that is still short, else the shortest."""
    told = [
        (json.dumps(request["params"]), json.dumps(answer["result"])) for _, request, answer in _conversations(name)
    ]
    if not told:
        return None
    short = [pair for pair in told if len(pair[0]) + len(pair[1]) <= EXAMPLE_CHARACTERS_MAX]
    parameters, result = (
        max(short, key=lambda pair: len(pair[1])) if short else min(told, key=lambda pair: len(pair[1]))
    )
    if len(result) > EXAMPLE_CHARACTERS_MAX:
        result = result[:EXAMPLE_CHARACTERS_MAX] + " …"
    return f"{parameters}\n→ {result}"


def _type(name: str) -> str:
    schema: dict[str, Any] = TYPES[name]
    described = schema.get("description", "")
    notation = _notation({key: value for key, value in schema.items() if key != "description"})
    return f"{described} {notation}".strip()


def _notation(schema: Any) -> str:
    """Return a schema as people write types."""
    if not schema:
        return "anything"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name})"
    if "anyOf" in schema:
        return " or ".join(_notation(alternative) for alternative in schema["anyOf"])
    if "enum" in schema:
        return codes(json.dumps(word) for word in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    match schema["type"]:
        case "object":
            return _object(schema)
        case "array":
            return f"list of {_notation(schema['items'])}" if "items" in schema else "empty list"
        case "string":
            return code(schema["pattern"]) if "pattern" in schema else "string"
        case "integer":
            return _integer(schema)
        case kind:
            return str(kind)


def _object(schema: dict[str, Any]) -> str:
    if "propertyNames" in schema:
        return f"{{{_notation(schema['propertyNames'])}: {_notation(schema['additionalProperties'])}, …}}"
    required = schema.get("required", ())
    shown = [
        f"{name} {_notation(member)}" if name in required else f"{name}? {_notation(_not_null(member))}"
        for name, member in schema.get("properties", {}).items()
    ]
    return f"{{{', '.join(shown)}}}" if shown else "object"


def _not_null(schema: Any) -> Any:
    """Return what a member that may be left out is if it is there: null is the same as leaving it out."""
    match schema:
        case {"anyOf": [{"type": "null"}, alternative]}:
            return alternative
        case _:
            return schema


def _integer(schema: dict[str, Any]) -> str:
    if "maximum" in schema:
        return f"number {schema['minimum']} to {schema['maximum']}"
    return "number"


HEAD = """JSON-RPC 2.0 over HTTP and WebSocket, one object or a list of them; parameters go by position, and null is the
same as leaving one out. `latest`, `safe` and `finalized` are one block: the last final one. Every method may
also refuse its parameters (−32602), and any request a limit ([errors.md](errors.md)). Examples show `params`
and, behind the arrow, `result`; each is asked again by the tests.
"""
