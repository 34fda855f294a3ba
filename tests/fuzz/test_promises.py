"""Each target keeps its promise on real inputs, on everything that once broke it, and on fifty hostile inputs."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.promise import Bound, Finding, Target, input_of, shrink, try_input
from tests.fuzz.registry import CORPUS, TARGETS, corpus_of

ALL = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@ALL
def test_real_inputs_are_accepted(target: Target) -> None:
    for data in target.seeds():
        encoded = target.decode(data)
        assert encoded is None or encoded == data


@ALL
def test_inputs_that_broke_a_promise_once_break_none(target: Target) -> None:
    for data in corpus_of(target):
        finding = try_input(target, data)
        assert finding is None, str(finding)


@ALL
def test_hostile_inputs_break_no_promise(target: Target) -> None:
    seeds = target.seeds()

    @settings(max_examples=50, deadline=None, derandomize=True, database=None)
    @given(st.integers(0, 2**64 - 1))
    def check(drawn: int) -> None:
        finding = try_input(target, target.mutate(random.Random(drawn), seeds))
        assert finding is None, str(finding)

    check()


def test_every_corpus_folder_belongs_to_a_target() -> None:
    kept = CORPUS.iterdir() if CORPUS.is_dir() else ()
    assert {path.name for path in kept if path.is_dir()} <= set(TARGETS)


def target_of(decode: object, **changes: object) -> Target:
    fields: dict[str, object] = {
        "name": "example",
        "entry": "example",
        "seeds": lambda: [b"abcd"],
        "mutate": lambda drawn, seeds: seeds[0] + drawn.randbytes(4),
        "decode": decode,
        "errors": (ValueError,),
        **changes,
    }
    return Target(**fields)  # type: ignore[arg-type]  # a test's short form of a record


def looping(data: bytes) -> None:
    for _ in range(1_000):
        len(data)


def hiding(data: bytes) -> None:
    try:
        looping(data)
    except Exception as error:
        raise ValueError from error


def recursing(data: bytes) -> None:
    raise RecursionError("deeper than the stack")


def greedy(data: bytes) -> None:
    assert len(data * 50_000) == 200_000


BROKEN = {
    "error": target_of(lambda data: {}[data]),
    "encoding": target_of(lambda data: data.lower()[:3]),
    "steps": target_of(looping, steps=Bound(100, 0)),
    "steps that a handler would hide": target_of(hiding, steps=Bound(100, 0)),
    "allocation": target_of(greedy, allocation=Bound(100_000, 0)),
    "error of recursion": target_of(recursing),
}


@pytest.mark.parametrize(("name", "target"), BROKEN.items(), ids=BROKEN)
def test_broken_promise_is_found(name: str, target: Target) -> None:
    finding = try_input(target, b"abcd")
    assert finding is not None
    assert finding.promise == name.split()[0]


@pytest.mark.parametrize(
    "decode",
    [lambda data: data, lambda data: None, lambda data: int("x")],
    ids=["canonical", "not canonical", "refused by name"],
)
def test_kept_promise_is_no_finding(decode: object) -> None:
    assert try_input(target_of(decode), b"abcd") is None


def test_finding_shrinks_to_what_is_needed() -> None:
    def decode(data: bytes) -> None:
        assert b"!" not in data

    target = target_of(decode)
    found = try_input(target, b"so much noise ! and more of it")
    assert isinstance(found, Finding)
    assert shrink(target, found).data == b"!"


def test_input_is_a_function_of_seed_target_and_index() -> None:
    target = target_of(lambda data: None)
    seeds = target.seeds()
    inputs = [input_of(target, seeds, seed=1, index=index) for index in range(5)]
    assert inputs == [input_of(target, seeds, seed=1, index=index) for index in range(5)]
    assert inputs[0] == b"abcd"
    assert inputs[3] != input_of(target, seeds, seed=2, index=3)


def test_last_line_counts_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vote", "--inputs", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 1, commit ")
    assert lines[-1] == "1 passed, 0 failed"


def test_unknown_target_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "there are: all, rlp" in capsys.readouterr().err
