"""How transcripts are read and compared."""

from pathlib import Path

import pytest

from tests.clients import __main__ as command
from tests.clients import running
from tests.clients.running import SCRIPTS, Transcript, describe_difference, differing_parts, load_transcript
from tests.clients.tools import NodeAddress, Tools, script_environment

PRINTED = Transcript(("== deploy", "gas: 7", "status: 1", "== logs", "all: 2"), "")


def with_line(place: int, line: str) -> Transcript:
    """Return PRINTED with another line at `place`."""
    return Transcript((*PRINTED.lines[:place], line, *PRINTED.lines[place + 1 :]), "said aside")


def test_a_transcript_is_read_by_parts() -> None:
    assert PRINTED.parts == {"deploy": ("gas: 7", "status: 1"), "logs": ("all: 2",)}
    assert Transcript(("early", "== deploy"), "").parts == {"": ("early",), "deploy": ()}
    assert Transcript((), "").parts == {}


def test_equal_transcripts_differ_nowhere_whatever_was_said_aside() -> None:
    assert differing_parts(PRINTED, Transcript(PRINTED.lines, "a warning")) == []


def test_one_other_line_makes_its_part_differ_and_no_other() -> None:
    other = with_line(1, "gas: 8")
    assert differing_parts(PRINTED, other) == ["deploy"]
    assert describe_difference(PRINTED, other, "deploy") == ["- gas: 7", "+ gas: 8"]


def test_a_missing_and_an_added_part_differ() -> None:
    short = Transcript(PRINTED.lines[:3], "")
    assert differing_parts(PRINTED, short) == differing_parts(short, PRINTED) == ["logs"]
    assert describe_difference(PRINTED, short, "logs") == ["- all: 2", "+ (no such part)"]


def test_a_shorter_part_differs_by_its_missing_line() -> None:
    short = Transcript((*PRINTED.lines[:2], *PRINTED.lines[3:]), "")
    assert describe_difference(PRINTED, short, "deploy") == ["- status: 1"]


def test_equal_failures_and_equal_silence_are_no_agreement() -> None:
    script = SCRIPTS[0]
    assert command.failures(script, PRINTED) == []
    assert command.failures(script, with_line(4, "FAILED: no answer")) == [f"{script.name}, logs: FAILED: no answer"]
    assert command.failures(script, Transcript((), "cannot start")) == [
        f"{script.name}: printed nothing",
        "cannot start",
    ]


@pytest.mark.parametrize(
    ("second", "status", "says"),
    [(PRINTED, 0, "Both nodes printed the same."), (with_line(1, "gas: 8"), 1, "+ gas: 8")],
    ids=["equal", "different"],
)
def test_the_command_ends_with_what_it_found(
    second: Transcript,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = {"http://127.0.0.1:1": PRINTED, "http://127.0.0.1:2": second}
    monkeypatch.setattr(command, "run_script", lambda script, node, tools: answers[node.url])

    ended = command.compare(SCRIPTS[:1], *(NodeAddress(url) for url in answers), Tools(Path("nowhere")))

    assert ended == status
    assert says in capsys.readouterr().out


def test_an_unknown_script_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["record", "--node", "http://127.0.0.1:1", "etherz"])
    assert "there is no script 'etherz'" in capsys.readouterr().err


def test_every_script_has_a_transcript_without_a_failure() -> None:
    for script in SCRIPTS:
        transcript = load_transcript(script)
        assert transcript.parts, script.name
        assert command.failures(script, transcript) == []


def test_a_script_learns_its_node_from_the_environment_alone() -> None:
    environment = script_environment(Tools(Path("/tools")), NodeAddress("http://127.0.0.1:8545"))
    assert environment["NODE_URL"] == environment["ETH_RPC_URL"] == "http://127.0.0.1:8545"
    assert environment["NODE_SOCKET_URL"] == "ws://127.0.0.1:8545"
    assert environment["PATH"].startswith("/tools/bin:")
    assert running.REPOSITORY.joinpath("tests", "clients").is_dir()
