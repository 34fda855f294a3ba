"""What a council is asked to do, as a file that goes from member to member: calls, members, signatures. Data only.

A council approves on the ledger: one member's transaction proposes, others' approve by the proposal's number, one's
executes. Each is signed where the member's key is and sent from wherever there is a network; no signature here counts
for anything but the one transaction it is of. Source: contracts/src/Council.vy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from consensus.chain.errors import InvalidTransaction
from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiValue
from contracts.declarations import FunctionDeclaration, encode_call
from contracts.loader import load
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.errors import UsageRefused
from wallet_cli.files import read_small, write_private

CALLS_MAX: Final = 8
CALL_BYTES_MAX: Final = 4_096
"""Calls of one proposal and bytes of each, as the contract bounds them."""

PROPOSE: Final = "propose"
APPROVE: Final = "approve"
EXECUTE: Final = "execute"
STEPS: Final = (PROPOSE, APPROVE, EXECUTE)
"""What a member signs, in the order they are sent."""

_SCHEMA: Final = "sycee-council/1"
_MEMBERS_MAX: Final = 16
_SIGNED_MAX: Final = len(STEPS) * _MEMBERS_MAX
COUNCIL: Final = load("Council")


@dataclass(frozen=True, slots=True)
class Call:
    """One call the council is to make."""

    to: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the network knew it when the file was last written."""

    account: Address
    nonce: int
    """Of the next transaction it signs."""
    has_approved: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where the proposal stands on the ledger, with the evidence for it."""

    number: int
    transaction_hash: Hash32
    evidence: Mapping[str, Any]
    """Header, finalization, transaction and receipt with their proofs, as a node gave them."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One member's transaction for one step."""

    member: Address
    step: str
    nonce: int
    raw: bytes
    hash: Hash32


@dataclass(frozen=True, slots=True)
class CouncilAction:
    """Everything members need to decide, and what they have signed."""

    chain_id: int
    council: Address
    calls: tuple[Call, ...]
    expires_at_s: int
    """Last second in which it can be executed."""
    memo: bytes
    threshold: int
    delay_s: int
    members: tuple[Member, ...]
    proposal: Proposal | None
    """None until it was proposed on the ledger."""
    signed: tuple[Signed, ...]

    def member(self, account: bytes) -> Member | None:
        """Return the member with this account, or None."""
        return next((member for member in self.members if member.account == account), None)


def council_function(name: str) -> FunctionDeclaration:
    """Return a function of the council's contract."""
    return COUNCIL.interface.function(name)


def step_values(action: CouncilAction, step: str) -> tuple[AbiValue, ...]:
    """Return the arguments of a step; approve and execute need the proposal's number."""
    calls = [[call.to, call.data] for call in action.calls]
    if step == PROPOSE:
        return calls, action.expires_at_s, action.memo
    assert action.proposal is not None
    if step == APPROVE:
        return (action.proposal.number,)
    assert step == EXECUTE
    return action.proposal.number, calls


def step_data(action: CouncilAction, step: str) -> bytes:
    """Return the calldata of a step."""
    return encode_call(council_function(step), *step_values(action, step))


def read_signed(action: CouncilAction, step: str, raw: bytes) -> Signed:
    """Return a member's transaction, having checked that it does this step of this action and nothing else.

    Raises: ValueError.
    """
    try:
        transaction = decode_transaction(raw)
        sender = recover_sender(transaction)
    except InvalidTransaction as error:
        raise ValueError(f"a signed {step} is no transaction: {error}") from error
    if action.member(sender) is None:
        raise ValueError(f"{checksum_address(sender)} signed a {step} and is no member")
    if (transaction.chain_id, transaction.to, transaction.data) != (
        action.chain_id,
        action.council,
        step_data(action, step),
    ):
        raise ValueError(f"what {checksum_address(sender)} signed as {step} does something else")
    return Signed(sender, step, transaction.nonce, raw, transaction.hash)


def with_signed(action: CouncilAction, added: Sequence[Signed]) -> CouncilAction:
    """Return the action with further signatures; a member's newer one for a step replaces its older."""
    found = {(entry.step, entry.member): entry for entry in (*action.signed, *added)}
    ordered = sorted(found, key=lambda key: (STEPS.index(key[0]), key[1]))
    return replace(action, signed=tuple(found[key] for key in ordered))


def merge(actions: Sequence[CouncilAction]) -> CouncilAction:
    """Return one action with what all files of it hold. Raises: ValueError if they are of different actions."""
    first = max(actions, key=lambda action: action.proposal is not None)
    for action in actions:
        same = (action.chain_id, action.council, action.calls, action.expires_at_s, action.memo)
        if same != (first.chain_id, first.council, first.calls, first.expires_at_s, first.memo):
            raise ValueError("the files are of different actions")
        if action.proposal is not None and action.proposal.number != _number_of(first):
            raise ValueError("the files are of different proposals")
        first = with_signed(first, [entry for entry in action.signed if _still_counts(first, entry)])
    return first


def _number_of(action: CouncilAction) -> int:
    assert action.proposal is not None
    return action.proposal.number


def _still_counts(action: CouncilAction, entry: Signed) -> bool:
    """Tell whether a signature is for a step that is yet to come."""
    return (entry.step == PROPOSE) is (action.proposal is None)


def load_action(path: str) -> CouncilAction:
    """Return the action in a file, every field and signature checked. Raises: UsageRefused."""
    try:
        return _decode(parse_json(read_small(Path(path))))
    except OSError as error:
        raise _unusable(path, error.strerror or "it is not there") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, str(error)) from error


def save_action(path: str, action: CouncilAction) -> None:
    """Write the file anew: old or new after a crash. Raises: UsageRefused."""
    try:
        write_private(Path(path), json.dumps(_encode(action), indent=1).encode() + b"\n")
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be written") from error


def _unusable(path: str, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{path} cannot be used: {detail}",
        why="members sign only what they can read without doubt",
        next_step="prepare it anew: sycee admin ACTION --as COUNCIL --prepare FILE",
        code="COUNCIL_FILE_INVALID",
    )


def _encode(action: CouncilAction) -> dict[str, object]:
    proposal = action.proposal
    return {
        "schema": _SCHEMA,
        "chain_id": action.chain_id,
        "council": checksum_address(action.council),
        "calls": [{"to": checksum_address(call.to), "data": f"0x{call.data.hex()}"} for call in action.calls],
        "expires_at_s": action.expires_at_s,
        "memo": f"0x{action.memo.hex()}",
        "threshold": action.threshold,
        "delay_s": action.delay_s,
        "members": [
            {"account": checksum_address(entry.account), "nonce": entry.nonce, "has_approved": entry.has_approved}
            for entry in action.members
        ],
        "proposal": None
        if proposal is None
        else {
            "number": proposal.number,
            "transaction": f"0x{proposal.transaction_hash.hex()}",
            "evidence": dict(proposal.evidence),
        },
        "signed": [{"step": entry.step, "raw": f"0x{entry.raw.hex()}"} for entry in action.signed],
    }


def _decode(content: Any) -> CouncilAction:
    if content["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r}, {_SCHEMA!r} is read")
    calls = tuple(Call(_address(entry["to"]), _octets(entry["data"])) for entry in content["calls"])
    if not 1 <= len(calls) <= CALLS_MAX or any(len(call.data) > CALL_BYTES_MAX for call in calls):
        raise ValueError(f"a proposal has 1 to {CALLS_MAX} calls of at most {CALL_BYTES_MAX} bytes")
    members = tuple(
        Member(_address(entry["account"]), _number(entry["nonce"]), entry["has_approved"] is True)
        for entry in content["members"]
    )
    if not 1 <= len(members) <= _MEMBERS_MAX or len({member.account for member in members}) != len(members):
        raise ValueError(f"a council has 1 to {_MEMBERS_MAX} members, each once")
    memo = _octets(content["memo"])
    if len(memo) != 32:
        raise ValueError(f"the memo has {len(memo)} bytes, 32 are needed")
    found = content["proposal"]
    proposal = None
    if found is not None:
        if not isinstance(found["evidence"], dict):
            raise ValueError("the evidence is no object")
        proposal = Proposal(_number(found["number"]), Hash32(_octets(found["transaction"])), found["evidence"])
    action = CouncilAction(
        chain_id=_number(content["chain_id"]),
        council=_address(content["council"]),
        calls=calls,
        expires_at_s=_number(content["expires_at_s"]),
        memo=memo,
        threshold=_number(content["threshold"]),
        delay_s=_number(content["delay_s"]),
        members=members,
        proposal=proposal,
        signed=(),
    )
    entries = content["signed"]
    if len(entries) > _SIGNED_MAX:
        raise ValueError(f"it has {len(entries)} signatures, at most {_SIGNED_MAX} are possible")
    steps = (PROPOSE,) if proposal is None else (APPROVE, EXECUTE)
    if any(entry["step"] not in steps for entry in entries):
        raise ValueError(f"only {' and '.join(steps)} can be signed now")
    return with_signed(action, [read_signed(action, entry["step"], _octets(entry["raw"])) for entry in entries])


def _address(value: object) -> Address:
    if not isinstance(value, str):
        raise ValueError("an address is a text")
    try:
        return parse_address(value)[0]
    except UsageRefused as error:
        raise ValueError(error.message) from error


def _octets(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("bytes are written 0x and hexadecimal digits")
    return bytes.fromhex(value[2:])


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
        raise ValueError(f"{value!r} is no number of 0 to 2^64 - 1")
    return value
