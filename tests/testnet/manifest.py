"""What a testnet run is told: one TOML file, read into frozen values or refused with the key and value that are wrong.

Never guesses: a key nobody reads is an error, because a fault that was misspelt is a fault that was not tried.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

from node.cli.network_plan import validator_names

VALIDATORS_MAX = 10
"""Processes of one run: more say nothing new on one machine and starve each other of its cores."""
DURATION_MAX_S = 24 * 3_600
"""Longest load phase: a night and a day."""
CLIENTS_MAX = 64
"""Paying clients of one run; each is a task with at most IN_FLIGHT payments."""
DELAY_MAX_MS = 2_000
"""Longest way between two regions; real ones stay below 200 ms."""
RANDOM_NODE = "random"
"""In `node`: the run draws one from its seed."""

Value = object
"""What TOML can hold, before it is looked at."""


# ManifestError
# ├── UnreadableManifest      the file is missing or not TOML
# ├── UnknownKey              a key that no run reads
# ├── MissingKey              a key without which there is no run
# └── InvalidValue            a value of the wrong type or out of bounds
class ManifestError(Exception):
    """The manifest cannot be run."""


class UnreadableManifest(ManifestError):
    """The file could not be read as TOML."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot read {path}: {reason}")


class UnknownKey(ManifestError):
    """A key that no run reads: most often a typing error."""

    def __init__(self, key: str, known: tuple[str, ...]) -> None:
        self.key = key
        self.known = known
        super().__init__(f"unknown key {key}; known here: {', '.join(known)}")


class MissingKey(ManifestError):
    """A key that every manifest has."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"{key} is missing")


class InvalidValue(ManifestError):
    """A value the key does not allow."""

    def __init__(self, key: str, *, found: object, expected: str) -> None:
        self.key = key
        self.found = found
        self.expected = expected
        super().__init__(f"{key} is {found!r}, expected {expected}")


class Kind(Enum):
    """What can be done to a node, its links or its disk."""

    KILL = "kill"
    """SIGKILL, as by a power cut of the process; started again afterwards."""
    TERMINATE = "terminate"
    """SIGTERM; must end cleanly; started again afterwards."""
    RESTART = "restart"
    """SIGTERM and start at once."""
    PAUSE = "pause"
    """SIGSTOP, as of a frozen virtual machine; SIGCONT afterwards."""
    DISCONNECT = "disconnect"
    """Every link is closed and no new one opens."""
    ONE_WAY_CUT = "one-way-cut"
    """Nothing the node sends arrives; what others send does."""
    HALF_OPEN = "half-open"
    """The others lose their links, the node still believes in its own."""
    SLOW_LINK = "slow-link"
    """Its links become slow and narrow."""
    DISK_FULL = "disk-full"
    """No byte more can be written; room comes back afterwards, and the node is started again when it ended."""
    WIPE = "wipe"
    """SIGKILL, and everything in its data folder is gone, the sign guard too."""
    RESTORE_BACKUP = "restore-backup"
    """Its data folder is replaced by a copy made at the start of the load, the sign guard too."""
    COPIED_KEY = "copied-key"
    """A second host runs with a copy of the home, keys and all, while the first goes on."""


class Outcome(Enum):
    """What a node must do when its perturbation is over."""

    RECOVERS = "recovers"
    """It is in step with the others again within `recover_s`."""
    REFUSES = "refuses"
    """It ends by itself with the exit code for safety, and stays away."""


class LoadMode(Enum):
    """When a client sends its next payment."""

    CLOSED = "closed"
    """Once the last one is final."""
    OPEN = "open"
    """At its time, however long the others take."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Where nodes stand and how far apart that is."""

    delay_ms: tuple[tuple[int, ...], ...]
    """One way, from the row's region to the column's."""
    jitter_ms: int
    """Most that is added to a delay, drawn for each piece of bytes."""
    of: Mapping[str, int]
    """Region of each node; 0 when it is not named."""


@dataclass(frozen=True, slots=True)
class Load:
    """What clients do all the while."""

    mode: LoadMode
    clients: int
    rate_per_s: int
    """Payments a second of all clients together, in the open mode."""
    readers: int
    """Tasks that read the balance all payments go to."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One thing done to one node at one time."""

    kind: Kind
    node: str
    at_s: float
    """Seconds after the load began."""
    for_s: float
    """How long it lasts; 0 for those that are over at once."""
    then: Outcome


@dataclass(frozen=True, slots=True)
class RandomFaults:
    """Perturbations drawn from the seed, one after another."""

    kinds: tuple[Kind, ...]
    interval_s: int
    """Mean time between two beginnings."""
    for_s: int
    """Longest duration."""
    percent_max: int
    """Largest share of validators that are perturbed at one time; a third keeps a quorum whole."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What counts as passing, where it is not the same for every run."""

    recover_s: int
    """Longest time from the end of a perturbation until the node is in step."""
    finality_gap_s: float
    """Longest time without a new final height while the load runs."""
    payments_min: int
    """Fewest payments that must become final."""
    errors: tuple[str, ...]
    """Parts of ERROR lines that perturbations cause; any other ERROR line fails the run."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run."""

    name: str
    seed: int
    validators: int
    duration_s: int
    epoch_blocks: int
    block_interval_ms: int
    heartbeat_ms: int
    """Time between blocks of a chain without work."""
    netem: bool
    """Whether packets are lost for real, where the kernel allows; otherwise links stall as for a lost packet."""
    loss_percent: int
    regions: Regions
    load: Load
    start_height: Mapping[str, int]
    """Nodes that start late, from an empty disk, once the others have made this height final."""
    perturbations: tuple[Perturbation, ...]
    random: RandomFaults | None
    expect: Expectation

    @property
    def names(self) -> tuple[str, ...]:
        return validator_names(self.validators)


class _Table:
    """One TOML table, and which of its keys were read."""

    def __init__(self, path: str, content: Mapping[str, Value]) -> None:
        self._prefix = f"{path}." if path else ""
        self._content = content
        self._known: list[str] = []

    def key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def integer(self, name: str, default: int | None, *, minimum: int, maximum: int) -> int:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            self.refuse(name, value, f"a whole number from {minimum} to {maximum}")
        return value

    def seconds(self, name: str, default: float | None, *, maximum: float) -> float:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
            self.refuse(name, value, f"seconds from 0 to {maximum:g}")
        return float(value)

    def text(self, name: str, default: str | None, *, choices: tuple[str, ...] = ()) -> str:
        value = self._take(name, default)
        if not isinstance(value, str) or not value or (choices and value not in choices):
            self.refuse(name, value, f"one of {', '.join(choices)}" if choices else "a text")
        return value

    def texts(self, name: str, default: tuple[str, ...] | None, *, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._take(name, default)
        if not isinstance(value, list | tuple):
            self.refuse(name, value, "a list of texts")
        for item in value:
            if not isinstance(item, str) or not item or (choices and item not in choices):
                self.refuse(name, item, f"texts from {', '.join(choices)}" if choices else "texts")
        return tuple(value)

    def flag(self, name: str) -> bool:
        value = self._take(name, False)
        if not isinstance(value, bool):
            self.refuse(name, value, "true or false")
        return value

    def table(self, name: str) -> "_Table | None":
        value = self._take(name, {})
        if not isinstance(value, dict):
            self.refuse(name, value, "a table")
        return _Table(self.key(name), value) if value else None

    def tables(self, name: str) -> "tuple[_Table, ...]":
        value = self._take(name, [])
        if not isinstance(value, list):
            self.refuse(name, value, "a list of tables")
        return tuple(self._inner(name, place, item) for place, item in enumerate(value))

    def by_node(self, name: str, names: tuple[str, ...], *, maximum: int) -> dict[str, int]:
        inner = self.table(name)
        if inner is None:
            return {}
        found = {node: inner.integer(node, 0, minimum=0, maximum=maximum) for node in names if node in inner._content}
        inner._known.extend(names)
        inner.finish()
        return found

    def matrix(self, name: str) -> tuple[tuple[int, ...], ...]:
        value = self._take(name, [[0]])
        rows = value if isinstance(value, list) else []
        is_square = bool(rows) and all(isinstance(row, list) and len(row) == len(rows) for row in rows)
        if not is_square or not all(type(cell) is int and 0 <= cell <= DELAY_MAX_MS for row in rows for cell in row):
            self.refuse(name, value, f"a square list of lists of whole numbers from 0 to {DELAY_MAX_MS}")
        return tuple(tuple(row) for row in rows)

    def refuse(self, name: str, found: object, expected: str) -> NoReturn:
        raise InvalidValue(self.key(name), found=found, expected=expected)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for name in self._content:
            if name not in self._known:
                raise UnknownKey(self.key(name), tuple(sorted(self._known)))

    def _take(self, name: str, default: Value) -> Value:
        self._known.append(name)
        value = self._content.get(name, default)
        if value is None:
            raise MissingKey(self.key(name))
        return value

    def _inner(self, name: str, place: int, item: Value) -> "_Table":
        if not isinstance(item, dict):
            self.refuse(name, item, "a list of tables")
        return _Table(f"{self.key(name)}[{place}]", item)


def load_manifest(path: Path) -> Manifest:
    """Return the manifest in the file at `path`.

    Raises: UnreadableManifest, UnknownKey, MissingKey, InvalidValue.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableManifest(path, str(error)) from error
    return decode_manifest(text, path=path)


def decode_manifest(text: str, *, path: Path) -> Manifest:
    """Return the manifest in `text`; `path` is what messages call it.

    Raises: UnreadableManifest, UnknownKey, MissingKey, InvalidValue.
    """
    try:
        root = _Table("", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UnreadableManifest(path, str(error)) from error
    validators = root.integer("validators", 4, minimum=1, maximum=VALIDATORS_MAX)
    names = validator_names(validators)
    duration_s = root.integer("duration_s", None, minimum=1, maximum=DURATION_MAX_S)
    manifest = Manifest(
        name=root.text("name", None),
        seed=root.integer("seed", 1, minimum=0, maximum=2**63 - 1),
        validators=validators,
        duration_s=duration_s,
        epoch_blocks=root.integer("epoch_blocks", 3_600, minimum=5, maximum=100_000),
        block_interval_ms=root.integer("block_interval_ms", 100, minimum=20, maximum=10_000),
        heartbeat_ms=root.integer("heartbeat_ms", 10_000, minimum=1_000, maximum=600_000),
        netem=root.flag("netem"),
        loss_percent=root.integer("loss_percent", 0, minimum=0, maximum=30),
        regions=_decode_regions(root.table("regions"), names),
        load=_decode_load(root.table("load")),
        start_height=root.by_node("start_height", names, maximum=1_000_000),
        perturbations=tuple(_decode_perturbation(table, names, duration_s) for table in root.tables("perturb")),
        random=_decode_random(root.table("random")),
        expect=_decode_expectation(root.table("expect")),
    )
    root.finish()
    if len(manifest.start_height) * 3 >= validators and manifest.start_height:
        root.refuse(
            "start_height", dict(manifest.start_height), "fewer than a third of the validators: the others decide"
        )
    return manifest


def _decode_regions(table: _Table | None, names: tuple[str, ...]) -> Regions:
    if table is None:
        return Regions(((0,),), 0, {})
    delay_ms = table.matrix("delay_ms")
    regions = Regions(
        delay_ms=delay_ms,
        jitter_ms=table.integer("jitter_ms", 0, minimum=0, maximum=DELAY_MAX_MS),
        of=table.by_node("of", names, maximum=len(delay_ms) - 1),
    )
    table.finish()
    return regions


def _decode_load(table: _Table | None) -> Load:
    if table is None:
        return Load(LoadMode.CLOSED, clients=2, rate_per_s=10, readers=1)
    load = Load(
        mode=LoadMode(table.text("mode", "closed", choices=tuple(mode.value for mode in LoadMode))),
        clients=table.integer("clients", 2, minimum=0, maximum=CLIENTS_MAX),
        rate_per_s=table.integer("rate_per_s", 10, minimum=1, maximum=1_000),
        readers=table.integer("readers", 1, minimum=0, maximum=CLIENTS_MAX),
    )
    table.finish()
    return load


def _decode_perturbation(table: _Table, names: tuple[str, ...], duration_s: int) -> Perturbation:
    perturbation = Perturbation(
        kind=Kind(table.text("kind", None, choices=tuple(kind.value for kind in Kind))),
        node=table.text("node", RANDOM_NODE, choices=(*names, RANDOM_NODE)),
        at_s=table.seconds("at_s", None, maximum=duration_s),
        for_s=table.seconds("for_s", 0.0, maximum=duration_s),
        then=Outcome(table.text("then", "recovers", choices=tuple(outcome.value for outcome in Outcome))),
    )
    table.finish()
    return perturbation


def _decode_random(table: _Table | None) -> RandomFaults | None:
    if table is None:
        return None
    drawn = RandomFaults(
        kinds=tuple(Kind(kind) for kind in table.texts("kinds", None, choices=tuple(kind.value for kind in Kind))),
        interval_s=table.integer("interval_s", None, minimum=1, maximum=3_600),
        for_s=table.integer("for_s", None, minimum=1, maximum=3_600),
        percent_max=table.integer("percent_max", 33, minimum=1, maximum=100),
    )
    table.finish()
    return drawn


def _decode_expectation(table: _Table | None) -> Expectation:
    if table is None:
        return Expectation(recover_s=30, finality_gap_s=10.0, payments_min=1, errors=())
    expectation = Expectation(
        recover_s=table.integer("recover_s", 30, minimum=1, maximum=3_600),
        finality_gap_s=table.seconds("finality_gap_s", 10.0, maximum=DURATION_MAX_S),
        payments_min=table.integer("payments_min", 1, minimum=0, maximum=10**9),
        errors=table.texts("errors", ()),
    )
    table.finish()
    return expectation
