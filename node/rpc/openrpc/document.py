"""The OpenRPC document of any set of methods: what a tool needs to call them, taken from what runs.

Parameters come from their names, descriptions from docstrings, errors from what parameters and docstrings name. Source:
OpenRPC specification 1.3.2.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from node.rpc.encoding import Json, JsonObject
from node.rpc.error_table import ERROR_ROWS, ErrorRow
from node.rpc.errors import InvalidParameter, MissingParameter, SurplusParameters
from node.rpc.methods import Method
from node.rpc.openrpc.ethereum_types import ETHEREUM_TYPES
from node.rpc.openrpc.parameters import PARAMETER_TYPES, PARAMETERS
from node.rpc.openrpc.schema import Schema, listed, named, nullable, referenced
from node.rpc.openrpc.sycee_types import SYCEE_TYPES
from node.rpc.openrpc.tracing_types import TRACING_TYPES

OPENRPC_VERSION: Final = "1.3.2"

TYPES: Final[Mapping[str, Schema]] = {**ETHEREUM_TYPES, **TRACING_TYPES, **SYCEE_TYPES, **PARAMETER_TYPES}
"""Every named schema."""

_RAISES: Final = re.compile(r"\s*Raises: (?P<errors>.*?)\.?\s*$", re.DOTALL)
_CLASS_NAME: Final = re.compile(r"\b[A-Z][A-Za-z]+\b")
_PER_PARAMETER: Final = (InvalidParameter, MissingParameter)


class UnknownError(Exception):
    """A docstring names an error that no client can be told: a mistake of whoever wrote it."""

    def __init__(self, name: str, method: str) -> None:
        super().__init__(f"{method} says that it raises {name}, which error_table.py does not have")


def openrpc_document(methods: Mapping[str, Method], version: str) -> JsonObject:
    """Return the document of `methods`, in their order; `version` is this program's."""
    described = [_method_object(name, method) for name, method in methods.items()]
    errors = {error for name, method in methods.items() for error in errors_of(name, method)}
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "Sycee JSON-RPC",
            "version": version,
            "description": "A settlement node. Whatever it answers about blocks is final.",
        },
        "methods": described,
        "components": {
            "schemas": {name: TYPES[name] for name in sorted(_needed(described))},
            "errors": {error.__name__: error_description(error) for error in sorted(errors, key=_name)},
        },
    }


def result_schema(notation: str) -> Schema:
    """Return the schema of a result: the name of a type, `[]` for a list of it, `?` for null besides."""
    if notation.endswith("?"):
        return nullable(result_schema(notation[:-1]))
    if notation.endswith("[]"):
        return listed(result_schema(notation[:-2]))
    return named(notation)


def summary_and_description(method: Method) -> tuple[str, str]:
    """Return the first paragraph of a method's docstring, and what follows before its errors."""
    text = _RAISES.sub("", inspect.getdoc(method.run) or "")
    summary, _, rest = text.partition("\n\n")
    return " ".join(summary.split()), " ".join(rest.split())


def errors_of(name: str, method: Method) -> tuple[type[Exception], ...]:
    """Return what a method can be refused with beside what every request can, by class name.

    Raises: UnknownError for a name in its docstring that is no row of the error table and no family of rows.
    """
    found: set[type[Exception]] = {SurplusParameters}
    for parameter in method.parameter_names.split():
        found.update((*_PER_PARAMETER, *PARAMETERS[parameter].errors))
    stated = _RAISES.search(inspect.getdoc(method.run) or "")
    for word in _CLASS_NAME.findall(stated["errors"]) if stated else ():
        family = [error for error in ERROR_ROWS if word in (base.__name__ for base in error.__mro__)]
        if not family:
            raise UnknownError(word, name)
        found.update(family)
    return tuple(sorted(found, key=_name))


def error_description(error: type[Exception]) -> JsonObject:
    """Return code, when it happens, and what goes with it."""
    row = ERROR_ROWS[error]
    members = error_members(error, row)
    return {
        "code": row.code,
        "message": error_meaning(error),
        **({"data": members} if members else {}),
    }


def error_meaning(error: type[Exception]) -> str:
    """Return when an error happens: the first paragraph of its own docstring."""
    return " ".join((error.__doc__ or "").split("\n\n")[0].split())


def error_members(error: type[Exception], row: ErrorRow) -> dict[str, Json]:
    """Return the members of `error.data`: fixed ones with their value, others with null."""
    # A class without a word of its own has one for each rule it may name.
    reason = row.fixed.get("reason", vars(error).get("reason"))
    stated: dict[str, Json] = {"reason": reason} if isinstance(reason, str) else {}
    return {**stated, **dict.fromkeys(row.fields), **row.fixed}


def _method_object(name: str, method: Method) -> JsonObject:
    summary, description = summary_and_description(method)
    names = method.parameter_names.split()
    result = result_schema(method.result)
    return {
        "name": name,
        "tags": [{"name": namespace_of(name)}],
        "summary": summary,
        **({"description": description} if description else {}),
        "paramStructure": "by-position",
        "params": [
            _parameter_object(parameter, is_required=index < method.parameters_min)
            for index, parameter in enumerate(names)
        ],
        "result": {"name": method.result, "schema": result},
        "errors": [{"$ref": f"#/components/errors/{error.__name__}"} for error in errors_of(name, method)],
    }


def _parameter_object(name: str, *, is_required: bool) -> JsonObject:
    parameter = PARAMETERS[name]
    return {
        "name": name,
        "description": parameter.description,
        "required": is_required,
        # Null is the same as leaving it out.
        "schema": parameter.schema if is_required else nullable(parameter.schema),
    }


def namespace_of(method: str) -> str:
    """Return what stands before the first `_`, or before the dot of rpc.discover."""
    return re.split("[_.]", method, maxsplit=1)[0]


def _needed(described: Iterable[JsonObject]) -> set[str]:
    """Return the names of the schemas that some methods refer to, and of those these refer to."""
    found: set[str] = set()
    new = referenced(cast(list[object], list(described))) & TYPES.keys()
    while new:
        found |= new
        new = {name for known in new for name in referenced(TYPES[known])} - found
    return found


def _name(error: type[Exception]) -> str:
    return error.__name__
