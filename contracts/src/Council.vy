# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title Council
@license Apache-2.0
@notice An account of several members: so many of them must agree before it calls anything, and what is beyond its
        limits waits for some time in which each of them can think again.
@dev It governs a network or keeps a company's money. Only the council itself, by a decision with the full delay,
     changes its members, its delay and its limits; a change of members or threshold ends all open proposals. Amounts
     are in the target's minor unit, instants in seconds.
"""

# error CallerIsNoMember(address caller)
#   Members only.
# error CallerIsNotCouncil(address caller)
#   This is done by a decision of the council.
# error CallerIsNotProposer(address caller, address proposer)
#   A member cancels its own proposals; of another's it takes back its approval.
# error InvalidMembers()
#   Members are in ascending order, none twice, neither zero nor the council; the threshold is between 1 and their number.
# error InvalidDelay(uint64 delaySeconds, uint64 longest)
#   The delay is at most ninety days.
# error InvalidLimit(address target, uint64 windowSeconds)
#   A limit counts over a window of at least a second, and never on calls of the council itself.
# error InvalidExpiry(uint64 expiresAt, uint64 now, uint64 latest)
#   The expiry, in seconds, leaves time for the delay and is within a year.
# error NoCalls()
#   A proposal calls something.
# error UnknownProposal(uint256 proposalId)
#   No proposal has this number.
# error ProposalEnded(uint256 proposalId, uint8 state)
#   It was executed (2) or cancelled (3) before.
# error ProposalOutdated(uint256 proposalId)
#   Members or threshold have changed since: propose again.
# error ProposalExpired(uint256 proposalId, uint64 expiresAt, uint64 now)
#   It was to be executed by an earlier second.
# error AlreadyApproved(uint256 proposalId, address member)
#   The member has approved.
# error NotApproved(uint256 proposalId, address member)
#   The member has not approved.
# error ApprovalsMissing(uint256 proposalId, uint256 approvals, uint256 threshold)
#   More members must approve.
# error OtherCalls(uint256 proposalId)
#   These are not the calls that were proposed.
# error DelayNotPassed(uint256 proposalId, uint64 readyAt, uint64 now)
#   A call is beyond the limits, so the whole waits.
# error TargetHasNoCode(address target)
#   There is nothing to call at this address.

event Proposed:
    # A member proposed calls and approved them; memo is its reference.
    proposalId: indexed(uint256)
    proposer: indexed(address)
    calls: DynArray[Call, CALLS_MAX]
    expiresAt: uint64
    memo: bytes32

event Approved:
    # A member agreed; with enough approvals the proposal can be executed from readyAt on, before that only within the
    # limits. readyAt is 0 while approvals are missing.
    proposalId: indexed(uint256)
    member: indexed(address)
    readyAt: uint64

event ApprovalRevoked:
    # A member thought again.
    proposalId: indexed(uint256)
    member: indexed(address)

event Cancelled:
    # The proposer gave it up.
    proposalId: indexed(uint256)

event Executed:
    # All calls of the proposal have been made.
    proposalId: indexed(uint256)
    member: indexed(address)

event MembersChanged:
    # The council has these members, and so many of them decide.
    members: DynArray[address, MEMBERS_MAX]
    threshold: uint256

event DelayChanged:
    # Decisions beyond the limits wait for so many seconds.
    delaySeconds: uint64

event LimitChanged:
    # So much may leave in each window by transfers and allowances of this target without a delay; 0 for nothing.
    target: indexed(address)
    amount: uint256
    windowSeconds: uint64

event AgreementChanged:
    # The council's signature of a digest counts up to this second; 0 for not at all.
    digest: indexed(bytes32)
    validUntil: uint64

struct Call:
    target: address
    data: Bytes[DATA_BYTES_MAX]

struct Proposal:
    proposer: address
    callsHash: bytes32
    generation: uint256
    approvals: uint256
    approvedAt: uint64
    expiresAt: uint64
    state: uint8

struct Limit:
    amount: uint256
    windowSeconds: uint64

MEMBERS_MAX: constant(uint256) = 16  # a board; each costs one word whenever members change
CALLS_MAX: constant(uint256) = 8  # one decision, such as approve and affirm; more are several proposals
DATA_BYTES_MAX: constant(uint256) = 4096  # forty payments in one batch; together with CALLS_MAX it bounds memory
DELAY_SECONDS_MAX: constant(uint64) = 90 * 86_400  # a quarter: longer, a council could not react at all
EXPIRY_SECONDS_MAX: constant(uint64) = 366 * 86_400  # a year; an instant in milliseconds is refused by it

OPEN: constant(uint8) = 1
EXECUTED: constant(uint8) = 2
CANCELLED: constant(uint8) = 3

TRANSFER: constant(bytes4) = method_id("transfer(address,uint256)", output_type=bytes4)
TRANSFER_WITH_MEMO: constant(bytes4) = method_id("transferWithMemo(address,uint256,bytes32)", output_type=bytes4)
APPROVE: constant(bytes4) = method_id("approve(address,uint256)", output_type=bytes4)
COUNTED_BYTES_MIN: constant(uint256) = 68  # selector, receiver, amount

ACCEPTED: constant(bytes4) = 0x1626ba7e  # ERC-1271
REFUSED: constant(bytes4) = 0xffffffff

_members: DynArray[address, MEMBERS_MAX]
_is_member: HashMap[uint256, HashMap[address, bool]]  # generation, account
_generation: uint256
_threshold: uint256
_delay_seconds: uint64
_limits: HashMap[address, Limit]
_spent: HashMap[address, HashMap[uint64, uint256]]  # target, first second of the window
_proposals: HashMap[uint256, Proposal]
_has_approved: HashMap[uint256, HashMap[address, bool]]
_proposal_count: uint256
_agreed_until: HashMap[bytes32, uint64]


@deploy
def __init__(members: DynArray[address, MEMBERS_MAX], threshold: uint256, delaySeconds: uint64):
    """
    @notice Begin without limits: every decision waits for the delay.
    @dev Reverts with InvalidMembers, InvalidDelay.
    @param members Who decides, in ascending order.
    @param threshold How many of them decide.
    @param delaySeconds How long decisions wait, at most ninety days.
    """
    self._set_members(members, threshold)
    self._set_delay(delaySeconds)


@external
def propose(calls: DynArray[Call, CALLS_MAX], expiresAt: uint64, memo: bytes32) -> uint256:
    """
    @notice Propose calls and approve them; a member's call.
    @dev Reverts with CallerIsNoMember, NoCalls, TargetHasNoCode, InvalidExpiry.
    @param calls What the council is to call, in order, all or nothing.
    @param expiresAt Last second in which it can be executed.
    @param memo The member's reference.
    @return Number of the proposal.
    """
    self._require_member()
    if len(calls) == 0:
        raw_revert(method_id("NoCalls()"))
    for each: Call in calls:
        if not each.target.is_contract:
            raw_revert(abi_encode(each.target, method_id=method_id("TargetHasNoCode(address)")))
    now: uint64 = self._now()
    if expiresAt <= now + self._delay_seconds or expiresAt > now + EXPIRY_SECONDS_MAX:
        raw_revert(
            abi_encode(expiresAt, now, now + EXPIRY_SECONDS_MAX, method_id=method_id("InvalidExpiry(uint64,uint64,uint64)"))
        )
    self._proposal_count += 1
    proposal_id: uint256 = self._proposal_count
    self._proposals[proposal_id] = Proposal(
        proposer=msg.sender,
        callsHash=keccak256(abi_encode(calls)),
        generation=self._generation,
        approvals=0,
        approvedAt=0,
        expiresAt=expiresAt,
        state=OPEN,
    )
    log Proposed(proposalId=proposal_id, proposer=msg.sender, calls=calls, expiresAt=expiresAt, memo=memo)
    self._approve(proposal_id)
    return proposal_id


@external
def approve(proposalId: uint256):
    """
    @notice Agree to a proposal; a member's call.
    @dev Reverts with CallerIsNoMember, UnknownProposal, ProposalEnded, ProposalOutdated, ProposalExpired,
         AlreadyApproved.
    @param proposalId Number of the proposal.
    """
    self._require_member()
    proposal: Proposal = self._current(proposalId)
    if self._has_approved[proposalId][msg.sender]:
        raw_revert(abi_encode(proposalId, msg.sender, method_id=method_id("AlreadyApproved(uint256,address)")))
    self._approve(proposalId)


@external
def revoke(proposalId: uint256):
    """
    @notice Take an approval back; a member's call. If approvals are missing then, the delay begins anew with the last.
    @dev Reverts with CallerIsNoMember, UnknownProposal, ProposalEnded, ProposalOutdated, ProposalExpired, NotApproved.
    @param proposalId Number of the proposal.
    """
    self._require_member()
    proposal: Proposal = self._current(proposalId)
    if not self._has_approved[proposalId][msg.sender]:
        raw_revert(abi_encode(proposalId, msg.sender, method_id=method_id("NotApproved(uint256,address)")))
    self._has_approved[proposalId][msg.sender] = False
    approvals: uint256 = proposal.approvals - 1
    self._proposals[proposalId].approvals = approvals
    if approvals < self._threshold:
        self._proposals[proposalId].approvedAt = 0
    log ApprovalRevoked(proposalId=proposalId, member=msg.sender)


@external
def cancel(proposalId: uint256):
    """
    @notice Give a proposal up; its proposer's call.
    @dev Reverts with UnknownProposal, ProposalEnded, CallerIsNotProposer.
    @param proposalId Number of the proposal.
    """
    proposal: Proposal = self._open(proposalId)
    if msg.sender != proposal.proposer:
        raw_revert(abi_encode(msg.sender, proposal.proposer, method_id=method_id("CallerIsNotProposer(address,address)")))
    self._proposals[proposalId].state = CANCELLED
    log Cancelled(proposalId=proposalId)


@external
def execute(proposalId: uint256, calls: DynArray[Call, CALLS_MAX]):
    """
    @notice Make the calls of a proposal that enough members approve; a member's call.
    @dev Reverts with CallerIsNoMember, UnknownProposal, ProposalEnded, ProposalOutdated, ProposalExpired, OtherCalls,
         ApprovalsMissing, DelayNotPassed, TargetHasNoCode, or with the reason of the first call that fails.
    @param proposalId Number of the proposal.
    @param calls The calls, as proposed.
    """
    self._require_member()
    proposal: Proposal = self._current(proposalId)
    if keccak256(abi_encode(calls)) != proposal.callsHash:
        raw_revert(abi_encode(proposalId, method_id=method_id("OtherCalls(uint256)")))
    if proposal.approvals < self._threshold:
        raw_revert(
            abi_encode(
                proposalId,
                proposal.approvals,
                self._threshold,
                method_id=method_id("ApprovalsMissing(uint256,uint256,uint256)"),
            )
        )
    now: uint64 = self._now()
    ready_at: uint64 = proposal.approvedAt + self._delay_seconds
    if now < ready_at:
        for each: Call in calls:
            if not self._count_within_limit(each, now):
                raw_revert(
                    abi_encode(proposalId, ready_at, now, method_id=method_id("DelayNotPassed(uint256,uint64,uint64)"))
                )
    self._proposals[proposalId].state = EXECUTED
    log Executed(proposalId=proposalId, member=msg.sender)
    for each: Call in calls:
        if not each.target.is_contract:
            raw_revert(abi_encode(each.target, method_id=method_id("TargetHasNoCode(address)")))
        raw_call(each.target, each.data)


@external
@reentrant
def setMembers(members: DynArray[address, MEMBERS_MAX], threshold: uint256):
    """
    @notice Change who decides; the council's own call. Ends all open proposals.
    @dev Reverts with CallerIsNotCouncil, InvalidMembers.
    @param members In ascending order.
    @param threshold How many of them decide.
    """
    self._require_council()
    self._set_members(members, threshold)


@external
@reentrant
def setDelay(delaySeconds: uint64):
    """
    @notice Change how long decisions beyond the limits wait; the council's own call. Counts for open proposals too.
    @dev Reverts with CallerIsNotCouncil, InvalidDelay.
    @param delaySeconds At most ninety days.
    """
    self._require_council()
    self._set_delay(delaySeconds)


@external
@reentrant
def setLimit(target: address, amount: uint256, windowSeconds: uint64):
    """
    @notice Change how much may leave a target without a delay; the council's own call.
    @dev Counts what transfer, transferWithMemo and approve name; every other call of the target waits. Windows begin at
         multiples of their length, so twice the amount can leave around such an instant. Reverts with
         CallerIsNotCouncil, InvalidLimit.
    @param target A token.
    @param amount In each window, in minor units; 0 for nothing.
    @param windowSeconds Length of the window.
    """
    self._require_council()
    if target == self or windowSeconds == 0:
        raw_revert(abi_encode(target, windowSeconds, method_id=method_id("InvalidLimit(address,uint64)")))
    self._limits[target] = Limit(amount=amount, windowSeconds=windowSeconds)
    log LimitChanged(target=target, amount=amount, windowSeconds=windowSeconds)


@external
@reentrant
def agreeTo(digest: bytes32, validUntil: uint64):
    """
    @notice Sign a digest for other contracts, or take the signature back; the council's own call.
    @dev Reverts with CallerIsNotCouncil.
    @param digest Such as the terms of a settlement.
    @param validUntil Last second in which the signature counts; 0 takes it back.
    """
    self._require_council()
    self._agreed_until[digest] = validUntil
    log AgreementChanged(digest=digest, validUntil=validUntil)


@external
@view
@reentrant
def isValidSignature(digest: bytes32, signature: Bytes[520]) -> bytes4:
    """
    @notice Whether the council signed a digest (ERC-1271).
    @param digest Which.
    @param signature Empty: what the council signed is on the ledger.
    @return 0x1626ba7e if its signature counts now.
    """
    until: uint64 = self._agreed_until[digest]
    if until >= self._now() and len(signature) == 0:
        return ACCEPTED
    return REFUSED


@external
@view
def councilOf() -> (DynArray[address, MEMBERS_MAX], uint256, uint64):
    """
    @notice Who decides and how.
    @return Members, how many of them decide, and the delay in seconds.
    """
    return self._members, self._threshold, self._delay_seconds


@external
@view
def proposalOf(proposalId: uint256) -> Proposal:
    """
    @notice What a member proposed and what became of it.
    @dev Reverts with UnknownProposal.
    @param proposalId Number of the proposal.
    @return The proposal: state 1 open, 2 executed, 3 cancelled; approvedAt is the second from which the delay counts.
    """
    return self._known(proposalId)


@external
@view
def hasApproved(proposalId: uint256, member: address) -> bool:
    """
    @notice Whether a member approves a proposal.
    @param proposalId Number of the proposal.
    @param member Who.
    @return True if it does.
    """
    return self._has_approved[proposalId][member]


@external
@view
def limitOf(target: address) -> (uint256, uint64, uint256):
    """
    @notice What may leave a target without a delay.
    @param target Which token.
    @return The amount in each window, the window's length in seconds, and what has left in this window.
    """
    limit: Limit = self._limits[target]
    if limit.windowSeconds == 0:
        return 0, 0, 0
    return limit.amount, limit.windowSeconds, self._spent[target][self._window(limit, self._now())]


@internal
def _set_members(members: DynArray[address, MEMBERS_MAX], threshold: uint256):
    generation: uint256 = self._generation + 1
    previous: uint256 = 0
    is_valid: bool = threshold > 0 and threshold <= len(members)
    for member: address in members:
        number: uint256 = convert(member, uint256)
        is_valid = is_valid and number > previous and member != self
        previous = number
        self._is_member[generation][member] = True
    if not is_valid:
        raw_revert(method_id("InvalidMembers()"))
    self._generation = generation
    self._members = members
    self._threshold = threshold
    log MembersChanged(members=members, threshold=threshold)


@internal
def _set_delay(delay_seconds: uint64):
    if delay_seconds > DELAY_SECONDS_MAX:
        raw_revert(abi_encode(delay_seconds, DELAY_SECONDS_MAX, method_id=method_id("InvalidDelay(uint64,uint64)")))
    self._delay_seconds = delay_seconds
    log DelayChanged(delaySeconds=delay_seconds)


@internal
def _approve(proposal_id: uint256):
    self._has_approved[proposal_id][msg.sender] = True
    approvals: uint256 = self._proposals[proposal_id].approvals + 1
    self._proposals[proposal_id].approvals = approvals
    ready_at: uint64 = 0
    if approvals == self._threshold:
        self._proposals[proposal_id].approvedAt = self._now()
    if approvals >= self._threshold:
        ready_at = self._proposals[proposal_id].approvedAt + self._delay_seconds
    log Approved(proposalId=proposal_id, member=msg.sender, readyAt=ready_at)


@internal
def _count_within_limit(each: Call, now: uint64) -> bool:
    # Tell whether a call may be made without a delay, and count what it moves.
    limit: Limit = self._limits[each.target]
    if limit.amount == 0 or len(each.data) < COUNTED_BYTES_MIN:
        return False
    selector: bytes4 = convert(slice(each.data, 0, 4), bytes4)
    if selector != TRANSFER and selector != TRANSFER_WITH_MEMO and selector != APPROVE:
        return False
    amount: uint256 = convert(slice(each.data, 36, 32), uint256)
    window: uint64 = self._window(limit, now)
    spent: uint256 = self._spent[each.target][window]
    if spent > limit.amount or amount > limit.amount - spent:
        return False
    self._spent[each.target][window] = spent + amount
    return True


@internal
@pure
def _window(limit: Limit, now: uint64) -> uint64:
    # The first second of the window; what the division cuts off is the time since then.
    return now // limit.windowSeconds * limit.windowSeconds


@internal
@view
def _current(proposal_id: uint256) -> Proposal:
    proposal: Proposal = self._open(proposal_id)
    if proposal.generation != self._generation:
        raw_revert(abi_encode(proposal_id, method_id=method_id("ProposalOutdated(uint256)")))
    now: uint64 = self._now()
    if now > proposal.expiresAt:
        raw_revert(
            abi_encode(proposal_id, proposal.expiresAt, now, method_id=method_id("ProposalExpired(uint256,uint64,uint64)"))
        )
    return proposal


@internal
@view
def _open(proposal_id: uint256) -> Proposal:
    proposal: Proposal = self._known(proposal_id)
    if proposal.state != OPEN:
        raw_revert(abi_encode(proposal_id, proposal.state, method_id=method_id("ProposalEnded(uint256,uint8)")))
    return proposal


@internal
@view
def _known(proposal_id: uint256) -> Proposal:
    proposal: Proposal = self._proposals[proposal_id]
    if proposal.state == 0:
        raw_revert(abi_encode(proposal_id, method_id=method_id("UnknownProposal(uint256)")))
    return proposal


@internal
@view
def _require_member():
    if not self._is_member[self._generation][msg.sender]:
        raw_revert(abi_encode(msg.sender, method_id=method_id("CallerIsNoMember(address)")))


@internal
@view
def _require_council():
    if msg.sender != self:
        raw_revert(abi_encode(msg.sender, method_id=method_id("CallerIsNotCouncil(address)")))


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
