"""What a council's contract says now: members, approvals, proposals. One node's word, except members' nonces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from consensus.primitives.scalars import Address
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import decode_event, decoder_of, encode_call
from contracts.decoding import DecodedError
from wallet_cli.addresses import checksum_address
from wallet_cli.admin.council_action import COUNCIL, CouncilAction, Member, council_function
from wallet_cli.admin.perform import decoded_refusal
from wallet_cli.client import RpcRefused
from wallet_cli.errors import TransactionRefused, UsageRefused
from wallet_cli.session import Session
from wallet_cli.verified import FinalTransaction, Head, ask_any, proof_failed, refused_answer

PROPOSED = next(event for event in COUNCIL.interface.events if event.name == "Proposed")
STATES = {1: "open", 2: "executed", 3: "cancelled"}
"""What a proposal's state means."""


class CouncilRefused(TransactionRefused):
    """The council's contract answers with a named error."""

    def __init__(self, council: Address, error: DecodedError) -> None:
        self.error_name = error.name
        self.arguments = error.arguments
        super().__init__(
            f"the council {checksum_address(council)} answers {error}",
            why="a node tried it; nothing was signed or sent",
            next_step=f"sycee admin council show {checksum_address(council)}",
            code="WOULD_REVERT",
            reason=error.name,
        )


@dataclass(frozen=True, slots=True)
class ProposalState:
    """A proposal as the contract has it."""

    proposer: bytes
    approvals: int
    approved_at_s: int
    """Second of the approval that reached the threshold; 0 while approvals are missing."""
    expires_at_s: int
    state: int


def ask_council(session: Session, council: Address, view: str, *values: AbiValue, sender: bytes | None = None) -> Any:
    """Return what a function of the council answers, unproven. Any: the ABI says what, and the callers know.

    Raises: CouncilRefused, UsageRefused if no council stands there, NetworkUnreachable.
    """
    declared = council_function(view)
    request = {"to": f"0x{council.hex()}", "data": f"0x{encode_call(declared, *values).hex()}"}
    if sender is not None:
        request["from"] = f"0x{sender.hex()}"
    try:
        answer = session.client.call("eth_call", request, "latest")
    except RpcRefused as error:
        decoded = decoded_refusal(error)
        if decoded is None:
            raise refused_answer(error) from error
        raise CouncilRefused(council, decoded) from error
    try:
        return decoder_of(declared.results)(bytes.fromhex(str(answer.result).removeprefix("0x")), 0)
    except (AbiDecodeError, ValueError) as error:
        raise UsageRefused(
            f"{checksum_address(council)} is no council",
            why="what stands there does not answer as one",
            next_step="check the address; deploy one: sycee contract deploy Council MEMBERS THRESHOLD DELAY",
            code="COUNCIL_UNKNOWN",
        ) from error


def read_council(session: Session, council: Address) -> tuple[list[Address], int, int]:
    """Return members, threshold and delay in seconds. Raises: as `ask_council`."""
    members, threshold, delay_s = ask_council(session, council, "councilOf")
    return [Address(member) for member in members], threshold, delay_s


def read_proposal(session: Session, council: Address, number: int) -> ProposalState:
    """Return a proposal. Raises: as `ask_council`."""
    ((proposer, _, _, approvals, approved_at_s, expires_at_s, state),) = ask_council(
        session, council, "proposalOf", number
    )
    return ProposalState(proposer, approvals, approved_at_s, expires_at_s, state)


def read_members(session: Session, head: Head, accounts: Sequence[Address]) -> tuple[Member, ...]:
    """Return members with the nonces their next transactions need: never below the proven ones."""
    found = []
    for account in accounts:
        state, _ = session.verifier.read_account(head, account)
        answer = ask_any(session.client, "eth_getTransactionCount", f"0x{account.hex()}", "pending")
        try:
            pending = int(str(answer.result), 16)
        except ValueError as error:
            raise proof_failed(answer.endpoint, error) from error
        found.append(Member(account, max(pending, state.nonce if state else 0), has_approved=False))
    return tuple(found)


def refresh(session: Session, head: Head, action: CouncilAction) -> CouncilAction:
    """Return the action with members' nonces and approvals as they are now."""
    members = read_members(session, head, [member.account for member in action.members])
    if action.proposal is not None:
        number = action.proposal.number
        members = tuple(
            replace(member, has_approved=ask_council(session, action.council, "hasApproved", number, member.account)[0])
            for member in members
        )
    return replace(action, members=members)


def proposal_number(action: CouncilAction, found: FinalTransaction) -> int:
    """Return the number under which a proven transaction proposed exactly this action.

    Raises: ValueError if its receipt does not say so.
    """
    for log in found.receipt.logs:
        if log.address != action.council or log.topics[0] != PROPOSED.topic:
            continue
        try:
            values = decode_event(PROPOSED, log.topics, log.data)
        except AbiDecodeError as error:
            raise ValueError("the council logged a proposal that cannot be read") from error
        number, calls = values["proposalId"], values["calls"]
        wanted = [(call.to, call.data) for call in action.calls]
        assert isinstance(number, int) and not isinstance(calls, int | str | bytes)
        if [tuple(call) for call in calls if not isinstance(call, int | str | bytes)] != wanted:
            raise ValueError(f"proposal {number} makes other calls than the file says")
        if (values["expiresAt"], values["memo"]) != (action.expires_at_s, action.memo):
            raise ValueError(f"proposal {number} has another expiry or reference than the file says")
        return number
    raise ValueError("the transaction proposed nothing to this council")
