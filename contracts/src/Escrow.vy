# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title Escrow
@license Apache-2.0
@notice Money that a payer sets aside for a payee, milestone by milestone, with an arbiter if both want one and an
        outcome after the deadline that was agreed at the start.
@dev Nobody has privileges. The money can go to the payee and to the payer, nowhere else, whatever the arbiter does;
     an arbiter who does nothing delays the agreed outcome and no more. Amounts are in the token's minor unit, instants
     in seconds.
"""

import custody

initializes: custody
exports: (custody.owedTo, custody.withdraw)

# error UnknownEscrow(uint256 escrowId)
#   No escrow has this number.
# error InvalidParty(address party)
#   Payer, payee and arbiter are three different accounts, none of them this contract; the payee is not zero.
# error InvalidAmount(uint256 amount)
#   A milestone is at least one minor unit and at most 2^128 - 1 of them.
# error NoMilestones()
#   An escrow has at least one milestone.
# error InvalidDeadline(uint64 deadline, uint64 now, uint64 latest)
#   The deadline, in seconds, is after now and not later than ten years from now.
# error InvalidArbitration(address arbiter, uint64 arbitrationSeconds, uint64 longest)
#   With an arbiter there is a time to decide, of a second to a year; without one there is none.
# error InvalidOutcome(uint8 outcome)
#   After the deadline the rest is refunded (1) or paid (2).
# error EscrowEnded(uint256 escrowId)
#   Everything has been paid or refunded before.
# error EscrowDisputed(uint256 escrowId)
#   There is a dispute: wait for the arbiter, or end it by paying or refunding everything.
# error EscrowNotDisputed(uint256 escrowId)
#   The arbiter decides disputes only.
# error DeadlinePassed(uint256 escrowId, uint64 deadline, uint64 now)
#   It is too late to dispute or to decide: the agreed outcome is due.
# error DeadlineNotPassed(uint256 escrowId, uint64 deadline, uint64 now)
#   It is too early for the agreed outcome.
# error CallerNotEntitled(address caller)
#   The call is another party's.
# error UnknownMilestone(uint256 escrowId, uint256 milestone)
#   The escrow has no such milestone, or it was paid before.
# error SplitTooLarge(uint256 escrowId, uint256 toPayee, uint256 remaining)
#   There is less to divide.

event EscrowCreated:
    # The payer set the sum of the milestones aside for the payee; memo is the reference of the purchase or project.
    escrowId: indexed(uint256)
    payer: indexed(address)
    payee: indexed(address)
    arbiter: address
    token: address
    amounts: DynArray[uint256, MILESTONES_MAX]
    deadline: uint64
    arbitrationSeconds: uint64
    outcome: uint8
    memo: bytes32

event MilestoneReleased:
    # The payer paid a milestone.
    escrowId: indexed(uint256)
    milestone: indexed(uint256)
    amount: uint256

event Disputed:
    # A party called the arbiter, who can decide up to and including the second decideBy.
    escrowId: indexed(uint256)
    caller: indexed(address)
    decideBy: uint64

event EscrowClosed:
    # The escrow ended: so much of what remained is paid to the payee, or owed, and so much to the payer. The reason is
    # 1 paid by the payer, 2 refunded by the payee, 3 decided by the arbiter, 4 the outcome agreed for the deadline.
    escrowId: indexed(uint256)
    toPayee: uint256
    toPayer: uint256
    reason: uint8

struct Agreement:
    payer: address
    payee: address
    arbiter: address
    token: address
    remaining: uint256
    milestones: uint256
    deadline: uint64
    arbitrationSeconds: uint64
    outcome: uint8
    state: uint8
    holdId: bytes32

MILESTONES_MAX: constant(uint256) = 16  # a project's instalments; twice as many would double the cost of creating
AMOUNT_MAX: constant(uint256) = 2**128 - 1  # sixteen of them cannot leave a word
ESCROW_SECONDS_MAX: constant(uint64) = 10 * 366 * 86_400  # ten years; an instant in milliseconds is refused by it
ARBITRATION_SECONDS_MAX: constant(uint64) = 366 * 86_400  # a year: longer, an idle arbiter would hurt too much

REFUND: constant(uint8) = 1
PAY: constant(uint8) = 2

OPEN: constant(uint8) = 1
DISPUTED: constant(uint8) = 2
CLOSED: constant(uint8) = 3

PAID_BY_PAYER: constant(uint8) = 1
REFUNDED_BY_PAYEE: constant(uint8) = 2
DECIDED_BY_ARBITER: constant(uint8) = 3
DEADLINE_REACHED: constant(uint8) = 4

_agreements: HashMap[uint256, Agreement]
_amounts: HashMap[uint256, HashMap[uint256, uint256]]  # escrow, milestone: minor units; 0 once released
_escrow_count: uint256


@external
def create(
    token: address,
    payee: address,
    arbiter: address,
    amounts: DynArray[uint256, MILESTONES_MAX],
    deadline: uint64,
    arbitrationSeconds: uint64,
    outcome: uint8,
    memo: bytes32,
) -> uint256:
    """
    @notice Set the caller's money aside; the contract needs an allowance for the sum.
    @dev Reverts with InvalidParty, NoMilestones, InvalidAmount, InvalidDeadline, InvalidArbitration, InvalidOutcome,
         NoTokenHere, TransferRefused, AmountChanged, or the token's own reason.
    @param token Which token.
    @param payee Who is to be paid.
    @param arbiter Who decides disputes; the zero address for nobody.
    @param amounts Of each milestone, in minor units.
    @param deadline Last second before the agreed outcome, unless there is a dispute.
    @param arbitrationSeconds How long the arbiter has at least; 0 without an arbiter.
    @param outcome What becomes of the rest after the deadline: 1 it is refunded, 2 it is paid.
    @param memo The reference of the purchase or project.
    @return Number of the escrow.
    """
    total: uint256 = self._validated_total(payee, arbiter, amounts)
    self._validate_terms(arbiter, deadline, arbitrationSeconds, outcome)
    hold_id: bytes32 = custody._reserve(token, msg.sender, self, total, memo)
    self._escrow_count += 1
    escrow_id: uint256 = self._escrow_count
    self._agreements[escrow_id] = Agreement(
        payer=msg.sender,
        payee=payee,
        arbiter=arbiter,
        token=token,
        remaining=total,
        milestones=len(amounts),
        deadline=deadline,
        arbitrationSeconds=arbitrationSeconds,
        outcome=outcome,
        state=OPEN,
        holdId=hold_id,
    )
    for milestone: uint256 in range(len(amounts), bound=MILESTONES_MAX):
        self._amounts[escrow_id][milestone] = amounts[milestone]
    log EscrowCreated(
        escrowId=escrow_id,
        payer=msg.sender,
        payee=payee,
        arbiter=arbiter,
        token=token,
        amounts=amounts,
        deadline=deadline,
        arbitrationSeconds=arbitrationSeconds,
        outcome=outcome,
        memo=memo,
    )
    return escrow_id


@external
def release(escrowId: uint256, milestone: uint256):
    """
    @notice Pay one milestone; the payer's call, while there is no dispute.
    @dev Reverts with UnknownEscrow, EscrowEnded, CallerNotEntitled, EscrowDisputed, UnknownMilestone, and with the
         token's own reason, for example while the payee is suspended: nothing has been decided then.
    @param escrowId Number of the escrow.
    @param milestone Which, counted from 0.
    """
    agreement: Agreement = self._running(escrowId)
    self._require_caller(agreement.payer)
    if agreement.state == DISPUTED:
        raw_revert(abi_encode(escrowId, method_id=method_id("EscrowDisputed(uint256)")))
    amount: uint256 = self._amounts[escrowId][milestone]
    if amount == 0:
        raw_revert(abi_encode(escrowId, milestone, method_id=method_id("UnknownMilestone(uint256,uint256)")))
    self._amounts[escrowId][milestone] = 0
    remaining: uint256 = agreement.remaining - amount
    self._agreements[escrowId].remaining = remaining
    log MilestoneReleased(escrowId=escrowId, milestone=milestone, amount=amount)
    custody._draw(agreement.token, agreement.holdId, amount)
    custody._pay(agreement.token, agreement.payee, amount)
    if remaining == 0:
        self._close(escrowId, agreement, 0, 0, PAID_BY_PAYER)


@external
def payAll(escrowId: uint256):
    """
    @notice Pay everything that remains, which ends a dispute too; the payer's call.
    @dev Reverts with UnknownEscrow, EscrowEnded, CallerNotEntitled, AmountChanged.
    @param escrowId Number of the escrow.
    """
    agreement: Agreement = self._running(escrowId)
    self._require_caller(agreement.payer)
    self._close(escrowId, agreement, agreement.remaining, 0, PAID_BY_PAYER)


@external
def refund(escrowId: uint256):
    """
    @notice Give everything that remains back, which ends a dispute too; the payee's call.
    @dev Reverts with UnknownEscrow, EscrowEnded, CallerNotEntitled, AmountChanged.
    @param escrowId Number of the escrow.
    """
    agreement: Agreement = self._running(escrowId)
    self._require_caller(agreement.payee)
    self._close(escrowId, agreement, 0, agreement.remaining, REFUNDED_BY_PAYEE)


@external
def dispute(escrowId: uint256):
    """
    @notice Call the arbiter; the payer's or the payee's call, up to the deadline. Both can still end it themselves.
    @dev Reverts with UnknownEscrow, EscrowEnded, CallerNotEntitled, EscrowDisputed, InvalidArbitration without an
         arbiter, DeadlinePassed.
    @param escrowId Number of the escrow.
    """
    agreement: Agreement = self._running(escrowId)
    if msg.sender != agreement.payer:
        self._require_caller(agreement.payee)
    if agreement.state == DISPUTED:
        raw_revert(abi_encode(escrowId, method_id=method_id("EscrowDisputed(uint256)")))
    if agreement.arbiter == empty(address):
        self._refuse_arbitration(agreement.arbiter, agreement.arbitrationSeconds)
    now: uint64 = self._now()
    self._require_in_time(escrowId, agreement.deadline, now)
    # The arbiter has at least the time agreed, and never less than there would have been without a dispute.
    decide_by: uint64 = max(agreement.deadline, now + agreement.arbitrationSeconds)
    self._agreements[escrowId].state = DISPUTED
    self._agreements[escrowId].deadline = decide_by
    log Disputed(escrowId=escrowId, caller=msg.sender, decideBy=decide_by)


@external
def resolve(escrowId: uint256, toPayee: uint256):
    """
    @notice Divide what remains; the arbiter's call in a dispute, in time. What the payee does not get is refunded.
    @dev Reverts with UnknownEscrow, EscrowEnded, CallerNotEntitled, EscrowNotDisputed, DeadlinePassed, SplitTooLarge,
         AmountChanged.
    @param escrowId Number of the escrow.
    @param toPayee What the payee gets, in minor units.
    """
    agreement: Agreement = self._running(escrowId)
    self._require_caller(agreement.arbiter)
    if agreement.state != DISPUTED:
        raw_revert(abi_encode(escrowId, method_id=method_id("EscrowNotDisputed(uint256)")))
    self._require_in_time(escrowId, agreement.deadline, self._now())
    if toPayee > agreement.remaining:
        raw_revert(
            abi_encode(escrowId, toPayee, agreement.remaining, method_id=method_id("SplitTooLarge(uint256,uint256,uint256)"))
        )
    self._close(escrowId, agreement, toPayee, agreement.remaining - toPayee, DECIDED_BY_ARBITER)


@external
def close(escrowId: uint256):
    """
    @notice Bring about the outcome agreed for the time after the deadline. Anybody may call this.
    @dev Reverts with UnknownEscrow, EscrowEnded, DeadlineNotPassed, AmountChanged.
    @param escrowId Number of the escrow.
    """
    agreement: Agreement = self._running(escrowId)
    now: uint64 = self._now()
    if now <= agreement.deadline:
        raw_revert(
            abi_encode(escrowId, agreement.deadline, now, method_id=method_id("DeadlineNotPassed(uint256,uint64,uint64)"))
        )
    if agreement.outcome == PAY:
        self._close(escrowId, agreement, agreement.remaining, 0, DEADLINE_REACHED)
    else:
        self._close(escrowId, agreement, 0, agreement.remaining, DEADLINE_REACHED)


@external
@view
def escrowOf(escrowId: uint256) -> Agreement:
    """
    @notice What was agreed and what became of it.
    @dev Reverts with UnknownEscrow.
    @param escrowId Number of the escrow.
    @return The agreement; state 1 open, 2 disputed (the deadline is then the arbiter's), 3 closed. The hold is that of
            a native currency, zero for another token.
    """
    return self._known(escrowId)


@external
@view
def milestoneOf(escrowId: uint256, milestone: uint256) -> uint256:
    """
    @notice What a milestone still has to bring.
    @param escrowId Number of the escrow.
    @param milestone Which, counted from 0.
    @return Minor units; 0 once released, and where there is none.
    """
    return self._amounts[escrowId][milestone]


@internal
@view
def _validated_total(payee: address, arbiter: address, amounts: DynArray[uint256, MILESTONES_MAX]) -> uint256:
    for party: address in [payee, arbiter]:
        if party == self or party == msg.sender:
            raw_revert(abi_encode(party, method_id=method_id("InvalidParty(address)")))
    if payee == empty(address) or payee == arbiter:
        raw_revert(abi_encode(payee, method_id=method_id("InvalidParty(address)")))
    if len(amounts) == 0:
        raw_revert(method_id("NoMilestones()"))
    total: uint256 = 0
    for amount: uint256 in amounts:
        if amount == 0 or amount > AMOUNT_MAX:
            raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))
        total += amount
    return total


@internal
@view
def _validate_terms(arbiter: address, deadline: uint64, arbitration_seconds: uint64, outcome: uint8):
    now: uint64 = self._now()
    if deadline <= now or deadline > now + ESCROW_SECONDS_MAX:
        raw_revert(
            abi_encode(deadline, now, now + ESCROW_SECONDS_MAX, method_id=method_id("InvalidDeadline(uint64,uint64,uint64)"))
        )
    has_arbiter: bool = arbiter != empty(address)
    if has_arbiter != (arbitration_seconds > 0) or arbitration_seconds > ARBITRATION_SECONDS_MAX:
        self._refuse_arbitration(arbiter, arbitration_seconds)
    if outcome != REFUND and outcome != PAY:
        raw_revert(abi_encode(outcome, method_id=method_id("InvalidOutcome(uint8)")))


@internal
@pure
def _refuse_arbitration(arbiter: address, arbitration_seconds: uint64):
    raw_revert(
        abi_encode(
            arbiter,
            arbitration_seconds,
            ARBITRATION_SECONDS_MAX,
            method_id=method_id("InvalidArbitration(address,uint64,uint64)"),
        )
    )


@internal
def _close(escrow_id: uint256, agreement: Agreement, to_payee: uint256, to_payer: uint256, reason: uint8):
    self._agreements[escrow_id].state = CLOSED
    self._agreements[escrow_id].remaining = 0
    for milestone: uint256 in range(agreement.milestones, bound=MILESTONES_MAX):
        self._amounts[escrow_id][milestone] = 0
    log EscrowClosed(escrowId=escrow_id, toPayee=to_payee, toPayer=to_payer, reason=reason)
    custody._draw(agreement.token, agreement.holdId, to_payee)
    custody._pay_or_owe(agreement.token, agreement.payee, to_payee)
    custody._give_back(agreement.token, agreement.holdId, agreement.payer, to_payer)


@internal
@view
def _running(escrow_id: uint256) -> Agreement:
    agreement: Agreement = self._known(escrow_id)
    if agreement.state == CLOSED:
        raw_revert(abi_encode(escrow_id, method_id=method_id("EscrowEnded(uint256)")))
    return agreement


@internal
@view
def _known(escrow_id: uint256) -> Agreement:
    agreement: Agreement = self._agreements[escrow_id]
    if agreement.state == 0:
        raw_revert(abi_encode(escrow_id, method_id=method_id("UnknownEscrow(uint256)")))
    return agreement


@internal
@view
def _require_caller(party: address):
    if msg.sender != party:
        raw_revert(abi_encode(msg.sender, method_id=method_id("CallerNotEntitled(address)")))


@internal
@pure
def _require_in_time(escrow_id: uint256, deadline: uint64, now: uint64):
    if now > deadline:
        raw_revert(abi_encode(escrow_id, deadline, now, method_id=method_id("DeadlinePassed(uint256,uint64,uint64)")))


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
