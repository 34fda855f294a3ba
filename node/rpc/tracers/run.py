"""Which tracer a client asks for, and how it is run over a transaction or a call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from node.execution.engine import CallTracer
from node.execution.transition import Outcome
from node.rpc.encoding import Json
from node.rpc.errors import NotSupported
from node.rpc.parameters import read_bool, read_count, read_object
from node.rpc.tracers.call_tree import CallTreeTracer
from node.rpc.tracers.prestate import prestate_object, state_difference_object
from node.rpc.tracers.selectors import SelectorTracer
from node.rpc.tracers.struct_logs import StructLogOptions, StructLogTracer
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader

STEPS_MAX: Final = 2**31
"""Largest limit of entries a client may name."""


class TracerKind(Enum):
    """The formats, by the names tools use; None is the default one."""

    STRUCT_LOGS = None
    CALLS = "callTracer"
    PRESTATE = "prestateTracer"
    SELECTORS = "4byteTracer"
    NOTHING = "noopTracer"


_KINDS: Final = {kind.value: kind for kind in TracerKind}

_CONFIG = frozenset(
    {
        "tracer",
        "tracerConfig",
        "disableStack",
        "enableMemory",
        "disableMemory",
        "disableStorage",
        "enableReturnData",
        "disableReturnData",
        "limit",
        "debug",
        "timeout",
        "reexec",
    }
)
"""`timeout` and `reexec` change nothing: this node has one deadline for every call, and any kept height at hand."""

_TRACER_CONFIG = frozenset({"onlyTopCall", "withLog", "diffMode", "disableCode", "disableStorage", "includeEmpty"})


_ALL_BUT_MEMORY: Final = StructLogOptions()


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What a client wants to see."""

    kind: TracerKind = TracerKind.STRUCT_LOGS
    struct_logs: StructLogOptions = _ALL_BUT_MEMORY
    has_inner_calls: bool = True
    has_logs: bool = False
    is_difference: bool = False


def read_trace_options(value: object | None, name: str, *, also: frozenset[str] = frozenset()) -> TraceOptions:
    """Return the options; members in `also` are read by somebody else. Raises: InvalidParameter, NotSupported."""
    if value is None:
        return TraceOptions()
    members = read_object(value, name, _CONFIG | also)
    named = members.get("tracer")
    # Tools that want the default one say so with an empty name.
    tracer = None if named == "" else named
    if not isinstance(tracer, str | None) or tracer not in _KINDS:
        known = ", ".join(str(kind) for kind in _KINDS if kind)
        raise NotSupported(f"{name}.tracer (this node has {known} and the default one)")
    detail = read_object(members.get("tracerConfig", {}), f"{name}.tracerConfig", _TRACER_CONFIG)

    def flag(source: Mapping[str, object], member: str) -> bool:
        return member in source and read_bool(source[member], f"{name}.{member}")

    return TraceOptions(
        kind=_KINDS[tracer],
        struct_logs=StructLogOptions(
            has_stack=not flag(members, "disableStack"),
            has_memory=flag(members, "enableMemory"),
            has_storage=not flag(members, "disableStorage"),
            has_return_data=flag(members, "enableReturnData"),
            steps_max=read_count(members.get("limit", 0), f"{name}.limit", STEPS_MAX),
        ),
        has_inner_calls=not flag(detail, "onlyTopCall"),
        has_logs=flag(detail, "withLog"),
        is_difference=flag(detail, "diffMode"),
    )


def run_trace(
    options: TraceOptions,
    below: StateReader,
    overlay: Overlay,
    gas_limit: int,
    response_bytes_max: int,
    run: Callable[[Journal, CallTracer | None], Outcome],
) -> Json:
    """Run something on a fresh overlay over `below` and return its trace. Raises: TraceTooLarge, what `run` raises."""
    journal = Journal(overlay)
    match options.kind:
        case TracerKind.STRUCT_LOGS:
            steps = StructLogTracer(options.struct_logs, response_bytes_max)
            outcome = run(journal, steps)
            return steps.result(succeeded=outcome.succeeded, gas_used=outcome.gas_used, output=outcome.output)
        case TracerKind.CALLS:
            calls = CallTreeTracer(
                has_inner_calls=options.has_inner_calls,
                has_logs=options.has_logs,
                response_bytes_max=response_bytes_max,
            )
            outcome = run(journal, calls)
            return calls.result(gas_limit=gas_limit, gas_used=outcome.gas_used)
        case TracerKind.SELECTORS:
            selectors = SelectorTracer()
            run(journal, selectors)
            return selectors.result()
        case TracerKind.PRESTATE:
            run(journal, None)
            journal.commit()
            if options.is_difference:
                return state_difference_object(overlay, below)
            return prestate_object(overlay, below)
        case TracerKind.NOTHING:
            run(journal, None)
            return {}
