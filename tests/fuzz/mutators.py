"""Hostile inputs from real ones: bytes, RLP, JSON and lines of text, each with the lies that its structure allows.

Everything is drawn from the generator that is passed in. The readers here are a second, forgiving view of each format
and never call what is being judged.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

Tree: TypeAlias = bytes | list["Tree"]
"""RLP as a tree."""

RUN_BYTES = (1, 2, 31, 32, 33, 55, 56, 255, 256, 1_024, 4_096)
"""Lengths around which decoders change their minds."""

HOSTILE_INTEGERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)

HOSTILE_DEPTHS = (17, 200, 20_000)
"""Nestings: just past RLP's bound, past a careless recursion's, and past any stack's."""

HUGE_INTEGER = "@huge@"
"""Stands for an integer with more digits than Python converts, which json cannot write."""

HOSTILE_JSON: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**53,
    2**64,
    2**256,
    HUGE_INTEGER,
    -0.0,
    1.5,
    1e308,
    "",
    "0x",
    "0x0",
    "0X1",
    "0x00",
    "0x" + "f" * 64,
    "0x" + "F" * 65,
    "0x" + "ab" * 20,
    " 0x 12",
    "٣",
    "\ud800",
    "\x00",
    "a" * 5_000,
    "9" * 5_000,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"schema": None},
    "latest",
    "NaN",
    "-1",
    "1e3",
)

HOSTILE_WORDS = (
    "",
    "[" * 1_500,
    "[[" * 500 + "]]" * 500,
    "a." * 300 + "a = 1",
    "{a=" * 1_000,
    '"',
    '"""',
    "'",
    "\x00",
    "\r",
    "\ufeff",
    "\ud7ff",
    ",",
    ",,,,,,",
    "=",
    "=CMD()",
    "-1",
    "0",
    "1.5",
    "1e9",
    "9" * 5_000,
    "٣",
    "nan",
    "true",
    "[]",
    "{}",
    "[x]",
    "[[x]]",
    "\\u0000",
    "\\ud800",
    "a" * 140_000,
)


def mutate_bytes(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a seed after one to four blind changes, or nothing but noise."""
    if drawn.random() < 0.02:
        return drawn.randbytes(drawn.choice(RUN_BYTES))
    data = drawn.choice(seeds)
    for _ in range(drawn.randint(1, 4)):
        change = drawn.choice(_CHANGES)
        data = change(drawn, data, seeds)
    return data


def fields_mutator(*fields: tuple[int, int]) -> Callable[[random.Random, Sequence[bytes]], bytes]:
    """Return a mutator that knows where integers stand: (offset, width) of each, from the end where negative."""

    def mutate(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
        if drawn.random() < 0.4:
            return mutate_bytes(drawn, seeds)
        data = bytearray(drawn.choice(seeds))
        for _ in range(drawn.randint(1, 2)):
            offset, width = drawn.choice(fields)
            offset += len(data) if offset < 0 else 0
            if offset + width <= len(data):
                old = int.from_bytes(data[offset : offset + width], "big")
                new = drawn.choice((*HOSTILE_INTEGERS, old + 1, old - 1, old * 2))
                data[offset : offset + width] = _low_bytes(new, width)
        return bytes(data)

    return mutate


def mutate_rlp(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a seed whose tree, or whose length prefixes, were changed; a type byte before the list stays."""
    chosen = drawn.choice(seeds)
    prefix, encoded = (chosen[:1], chosen[1:]) if chosen and chosen[0] < 0x80 else (b"", chosen)
    tree = read_tree(encoded)
    if tree is None or drawn.random() < 0.25:
        return mutate_bytes(drawn, seeds)
    for _ in range(drawn.randint(1, 3)):
        tree = _change_tree(drawn, tree)
    data = write_tree(tree, drawn if drawn.random() < 0.25 else None)
    if drawn.random() < 0.05:
        data = _nested_rlp(drawn.choice(HOSTILE_DEPTHS))
    return prefix + data


def mutate_json(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a seed with values replaced by what no reader expects, or with its text disturbed."""
    if drawn.random() < 0.2:
        return mutate_bytes(drawn, seeds)
    text = json.dumps(
        change_json(drawn, json.loads(drawn.choice(seeds))),
        indent=drawn.choice((2, None)),
        sort_keys=drawn.random() < 0.5,
    ).replace(f'"{HUGE_INTEGER}"', "9" * 4_400)
    if drawn.random() < 0.1:
        depth = drawn.choice(HOSTILE_DEPTHS)
        inner = drawn.choice(("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth))
        places = [at for at, mark in enumerate(text) if mark == ":"] or [0]
        at = drawn.choice(places) + 1
        text = text[:at] + inner + drawn.choice((text[at:], ""))
    return (text + drawn.choice(("\n", "", "\n\n", " x"))).encode()


def mutate_lines(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a text whose lines and words were moved, doubled, dropped or replaced."""
    if drawn.random() < 0.2:
        return mutate_bytes(drawn, seeds)
    lines = drawn.choice(seeds).decode().split("\n")
    for _ in range(drawn.randint(1, 3)):
        at = drawn.randrange(len(lines))
        match drawn.randrange(5):
            case 0:
                lines.insert(at, drawn.choice(lines))
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                lines.insert(at, drawn.choice(HOSTILE_WORDS))
            case 3:
                words = lines[at].split(" ")
                words[drawn.randrange(len(words))] = drawn.choice(HOSTILE_WORDS)
                lines[at] = " ".join(words)
            case _:
                cells = lines[at].split(",")
                cells[drawn.randrange(len(cells))] = drawn.choice(HOSTILE_WORDS)
                lines[at] = ",".join(cells)
    return "\n".join(lines).encode(errors="replace")


def change_json(drawn: random.Random, value: object) -> object:
    """Return `value` with one to three places replaced, dropped, doubled or renamed."""
    for _ in range(drawn.randint(1, 3)):
        value = _change_place(drawn, value)
    return value


def read_tree(data: bytes) -> Tree | None:
    """Return the RLP tree in `data`, or None if it is none; no deeper than four lists."""
    try:
        tree, end = _read_tree_at(data, 0, 4)
    except (IndexError, ValueError):
        return None
    return tree if end == len(data) else None


def write_tree(tree: Tree, liar: random.Random | None = None) -> bytes:
    """Return the RLP of a tree; a `liar` writes some lengths in a longer form, or wrongly."""
    if isinstance(tree, bytes):
        if len(tree) == 1 and tree[0] < 0x80 and not (liar and liar.random() < 0.1):
            return tree
        return _prefix(0x80, len(tree), liar) + tree
    payload = b"".join([write_tree(child, liar) for child in tree])
    return _prefix(0xC0, len(payload), liar) + payload


def _prefix(base: int, length: int, liar: random.Random | None) -> bytes:
    if liar is not None and liar.random() < 0.1:
        length = max(0, length + liar.choice((-1, 1, 56, 2**16, 2**32)))
        width = liar.choice((1, 2, 4, 8))
        return bytes((base + 55 + width,)) + _low_bytes(length, width)
    if length < 56:
        return bytes((base + length,))
    encoded = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(encoded),)) + encoded


def _low_bytes(number: int, width: int) -> bytes:
    return (number & ((1 << 8 * width) - 1)).to_bytes(width, "big")


def _nested_rlp(depth: int) -> bytes:
    data = b""
    for _ in range(min(depth, 2_000)):
        data = _prefix(0xC0, len(data), None) + data
    return data


def _read_tree_at(data: bytes, at: int, depth: int) -> tuple[Tree, int]:
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    base = 0xC0 if first >= 0xC0 else 0x80
    length, start = first - base, at + 1
    if length > 55:
        start += length - 55
        length = int.from_bytes(data[at + 1 : start], "big")
    end = start + length
    if end > len(data):
        raise ValueError("truncated")
    if base == 0x80 or depth == 0:
        return data[start:end], end
    items: list[Tree] = []
    while start < end:
        item, start = _read_tree_at(data, start, depth - 1)
        items.append(item)
    return items, end


def _change_tree(drawn: random.Random, tree: Tree) -> Tree:
    if isinstance(tree, bytes):
        return _change_leaf(drawn, tree)
    children = list(tree)
    if not children or drawn.random() < 0.15:
        many = drawn.choice((1, 2, 64, 300))
        shapes: tuple[Tree, ...] = ([], [b""] * many, [children], [*children, b""], [[] for _ in range(many)], b"")
        return drawn.choice(shapes)
    at = drawn.randrange(len(children))
    match drawn.randrange(6):
        case 0:
            children.insert(at, children[at])
        case 1:
            del children[at]
        case 2:
            other = drawn.randrange(len(children))
            children[at], children[other] = children[other], children[at]
        case _:
            children[at] = _change_tree(drawn, children[at])
    return children


def _change_leaf(drawn: random.Random, leaf: bytes) -> Tree:
    match drawn.randrange(7):
        case 0:
            return b"\x00" + leaf
        case 1:
            number = drawn.choice((*HOSTILE_INTEGERS, 2**256 - 1, 2**256))
            return number.to_bytes((number.bit_length() + 7) // 8, "big")
        case 2:
            return leaf[:-1]
        case 3:
            return leaf + b"\x00"
        case 4:
            return [leaf]
        case 5:
            return drawn.choice((b"", b"\x00", b"\xff", bytes(drawn.choice(RUN_BYTES))))
        case _:
            return drawn.randbytes(len(leaf))


def _change_place(drawn: random.Random, value: object) -> object:
    if isinstance(value, dict) and value and drawn.random() < 0.85:
        names = list(value)
        name = drawn.choice(names)
        changed = dict(value)
        match drawn.randrange(6):
            case 0:
                del changed[name]
            case 1:
                changed[str(drawn.choice(HOSTILE_JSON))[:80]] = changed[name]
            case _:
                changed[name] = _change_place(drawn, value[name])
        return changed
    if isinstance(value, list) and value and drawn.random() < 0.85:
        items = list(value)
        at = drawn.randrange(len(items))
        match drawn.randrange(6):
            case 0:
                del items[at]
            case 1:
                items.extend([items[at]] * drawn.choice((1, 3, 40)))
            case _:
                items[at] = _change_place(drawn, items[at])
        return items
    if isinstance(value, str) and value and drawn.random() < 0.5:
        at = drawn.randrange(len(value))
        return value[:at] + drawn.choice(("", "g", " ", "0", "0" * 50, value)) + value[at + 1 :]
    return drawn.choice(HOSTILE_JSON)


def _truncate(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: drawn.randint(0, len(data))]


def _flip(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = drawn.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << drawn.randrange(8),)) + data[at + 1 :]


def _overwrite(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    width = drawn.choice((1, 2, 4, 8))
    at = drawn.randint(0, len(data))
    return data[:at] + _low_bytes(drawn.choice(HOSTILE_INTEGERS), width) + data[at + width :]


def _duplicate(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = drawn.randint(0, len(data))
    end = min(len(data), start + drawn.choice(RUN_BYTES))
    return data[:end] + data[start:end] + data[end:]


def _cut(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = drawn.randint(0, len(data))
    return data[:start] + data[start + drawn.choice(RUN_BYTES) :]


def _stuff(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = drawn.randint(0, len(data))
    stuffing = bytes((drawn.choice((0, 0x7F, 0x80, 0xC0, 0xFF, 0x20, 0x5B)),))
    return data[:at] + stuffing * drawn.choice(RUN_BYTES) + data[at:]


def _splice(drawn: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = drawn.choice(seeds)
    return data[: drawn.randint(0, len(data))] + other[drawn.randint(0, len(other)) :]


def _append(drawn: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data + drawn.randbytes(drawn.choice((1, 2, 32, 64)))


_CHANGES = (_truncate, _flip, _flip, _overwrite, _overwrite, _duplicate, _cut, _stuff, _splice, _append)
