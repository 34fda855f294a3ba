"""JSON schemas in few words: closed objects, lists, values that may be null, and references to named ones."""

from collections.abc import Mapping, Sequence
from typing import Final

from node.rpc.encoding import JsonObject

Schema = JsonObject
"""A JSON schema (draft 2020-12)."""

NULL: Final[Schema] = {"type": "null"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
STRING: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
"""A JSON number without a fraction."""


def named(name: str) -> Schema:
    """Return a reference to a schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(pattern: str, description: str) -> Schema:
    """Return a string that a pattern matches from its first to its last character."""
    return {"type": "string", "pattern": f"^{pattern}$", "description": description}


def word_of(*words: str) -> Schema:
    """Return a string that is one of `words`."""
    return {"type": "string", "enum": list(words)}


def whole(maximum: int, *, minimum: int = 0) -> Schema:
    """Return a JSON number without a fraction between two bounds, both included."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def listed(item: Schema, *, maximum: int | None = None) -> Schema:
    """Return a list of one kind of thing."""
    return {"type": "array", "items": item, **({} if maximum is None else {"maxItems": maximum})}


def one_of(*alternatives: Schema) -> Schema:
    """Return what is any of these."""
    return {"anyOf": list(alternatives)}


def nullable(schema: Schema) -> Schema:
    """Return the same, or null."""
    return one_of(NULL, schema)


def record(
    members: Mapping[str, Schema], *, optional: Mapping[str, Schema] | None = None, description: str | None = None
) -> Schema:
    """Return an object with all of `members`, any of `optional` and nothing else."""
    schema: Schema = {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
        "additionalProperties": False,
    }
    return schema if description is None else {**schema, "description": description}


def table(keys: Schema, values: Schema) -> Schema:
    """Return an object whose names are one kind of thing and its values another."""
    return {"type": "object", "propertyNames": keys, "additionalProperties": values}


def without(members: Mapping[str, Schema], names: Sequence[str]) -> dict[str, Schema]:
    """Return `members` but those with these names."""
    assert set(names) <= members.keys()
    return {name: schema for name, schema in members.items() if name not in names}


def referenced(schema: object) -> set[str]:
    """Return the names of components that a schema refers to directly."""
    if isinstance(schema, list):
        return {name for item in schema for name in referenced(item)}
    if not isinstance(schema, dict):
        return set()
    found = {name for value in schema.values() for name in referenced(value)}
    reference = schema.get("$ref")
    return found | {reference.rsplit("/", 1)[1]} if isinstance(reference, str) else found
