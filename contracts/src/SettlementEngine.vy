# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title SettlementEngine
@license Apache-2.0
@notice Deliveries and payments between any number of parties that happen together or not at all.
@dev Nobody has privileges. What a party affirms is what was proposed: an instruction never changes. Either all legs
     settle in the transaction of the last affirmation, or what was reserved returns to whom it came from. Two parties
     that agreed elsewhere settle in one transaction with signatures. Amounts are in the token's minor unit, instants
     in seconds.
"""

import custody
import signatures

initializes: custody
initializes: signatures
exports: (custody.owedTo, custody.withdraw, signatures.eip712Domain)

# error UnknownInstruction(uint256 instructionId)
#   No instruction has this number.
# error NoLegs()
#   An instruction has at least one leg.
# error InvalidLeg(uint256 leg)
#   A leg moves at least one minor unit between two different accounts, neither zero nor this contract.
# error InvalidExpiry(uint64 expiresAt, uint64 now, uint64 latest)
#   The expiry, in seconds, is after now and not later than a year from now.
# error InstructionEnded(uint256 instructionId, uint8 state)
#   It was settled (2), rejected (3) or cancelled (4) before.
# error InstructionExpired(uint256 instructionId, uint64 expiresAt, uint64 now)
#   It is too late to affirm; anybody can cancel.
# error InstructionNotExpired(uint256 instructionId, uint64 expiresAt, uint64 now)
#   Until the expiry only a party can end it, by rejecting.
# error NothingToAffirm(uint256 instructionId, address caller)
#   The caller pays no leg, or has affirmed before.
# error CallerIsNoParty(uint256 instructionId, address caller)
#   Only who pays or receives in an instruction can reject it.
# error ConsentExpired(uint64 validUntil, uint64 now)
#   The signatures were valid until an earlier second.
# error ConsentUsed(bytes32 digest)
#   These terms were settled before; other terms need another salt.
# error ConsentWithdrawn(address party, bytes32 digest)
#   The party has withdrawn its signature.
# error ConsentMissing(address party)
#   The party pays a leg and neither signed nor sent the transaction.

event InstructionProposed:
    # The legs wait for their payers; memo is the trade's reference.
    instructionId: indexed(uint256)
    proposer: indexed(address)
    legs: DynArray[Leg, LEGS_MAX]
    expiresAt: uint64
    memo: bytes32

event InstructionAffirmed:
    # A payer agreed, and all it pays is reserved.
    instructionId: indexed(uint256)
    payer: indexed(address)

event InstructionSettled:
    # All legs have been paid.
    instructionId: indexed(uint256)

event InstructionRejected:
    # A party ended the instruction, for a reason of its own; reservations have returned, or are owed.
    instructionId: indexed(uint256)
    party: indexed(address)
    reason: bytes32

event InstructionCancelled:
    # The instruction expired; reservations have returned, or are owed.
    instructionId: indexed(uint256)

event SettledNow:
    # All legs have been paid with the consent of every payer; memo is the trade's reference.
    digest: indexed(bytes32)
    memo: indexed(bytes32)

event ConsentTakenBack:
    # A party's signature on these terms no longer counts.
    party: indexed(address)
    digest: indexed(bytes32)

struct Leg:
    token: address
    payer: address
    payee: address
    amount: uint256

struct Consent:
    party: address
    signature: Bytes[SIGNATURE_BYTES_MAX]

struct Instruction:
    expiresAt: uint64
    state: uint8
    legs: uint256
    waiting: uint256  # legs whose payer has not affirmed
    memo: bytes32

LEGS_MAX: constant(uint256) = 16  # a trade of several banks; settling all takes 3 500 units of work, a seventieth of what a transaction may
SIGNATURE_BYTES_MAX: constant(uint256) = 520  # as in signatures
EXPIRY_SECONDS_MAX: constant(uint64) = 366 * 86_400  # a year; an instant in milliseconds is refused by it

PROPOSED: constant(uint8) = 1
SETTLED: constant(uint8) = 2
REJECTED: constant(uint8) = 3
CANCELLED: constant(uint8) = 4

LEG_TYPE: constant(bytes32) = keccak256("Leg(address token,address payer,address payee,uint256 amount)")
SETTLEMENT_TYPE: constant(bytes32) = keccak256(
    "Settlement(Leg[] legs,uint64 validUntil,bytes32 memo,uint256 salt)Leg(address token,address payer,address payee,uint256 amount)"
)

_instructions: HashMap[uint256, Instruction]
_legs: HashMap[uint256, HashMap[uint256, Leg]]
_holds: HashMap[uint256, HashMap[uint256, bytes32]]  # instruction, leg; zero where this contract keeps the money
_has_affirmed: HashMap[uint256, HashMap[address, bool]]
_instruction_count: uint256
_is_used: HashMap[bytes32, bool]  # digest
_is_withdrawn: HashMap[address, HashMap[bytes32, bool]]  # party, digest


@deploy
def __init__():
    """
    @notice Begin empty; the name is part of what is signed.
    """
    signatures.__init__("SettlementEngine")


@external
def propose(legs: DynArray[Leg, LEGS_MAX], expiresAt: uint64, memo: bytes32) -> uint256:
    """
    @notice Put an instruction before its parties. Anybody may; nothing moves.
    @dev Reverts with NoLegs, InvalidLeg, InvalidExpiry.
    @param legs Who pays whom how much of which token, in the order of settlement.
    @param expiresAt Last second in which it can settle.
    @param memo The trade's reference.
    @return Number of the instruction.
    """
    self._validate_legs(legs)
    now: uint64 = self._now()
    if expiresAt <= now or expiresAt > now + EXPIRY_SECONDS_MAX:
        raw_revert(
            abi_encode(expiresAt, now, now + EXPIRY_SECONDS_MAX, method_id=method_id("InvalidExpiry(uint64,uint64,uint64)"))
        )
    self._instruction_count += 1
    instruction_id: uint256 = self._instruction_count
    self._instructions[instruction_id] = Instruction(
        expiresAt=expiresAt, state=PROPOSED, legs=len(legs), waiting=len(legs), memo=memo
    )
    for index: uint256 in range(len(legs), bound=LEGS_MAX):
        self._legs[instruction_id][index] = legs[index]
    log InstructionProposed(
        instructionId=instruction_id, proposer=msg.sender, legs=legs, expiresAt=expiresAt, memo=memo
    )
    return instruction_id


@external
def affirm(instructionId: uint256):
    """
    @notice Agree and reserve all that the caller pays; the contract needs allowances. The last payer settles it all.
    @dev Reverts with UnknownInstruction, InstructionEnded, InstructionExpired, NothingToAffirm, NoTokenHere,
         TransferRefused, AmountChanged, or a token's own reason: that of the payer's reservation, or, for the last
         payer, that of any payee. Everything stays as it was then.
    @param instructionId Number of the instruction.
    """
    instruction: Instruction = self._proposed(instructionId)
    now: uint64 = self._now()
    if now > instruction.expiresAt:
        raw_revert(
            abi_encode(
                instructionId, instruction.expiresAt, now, method_id=method_id("InstructionExpired(uint256,uint64,uint64)")
            )
        )
    legs: DynArray[Leg, LEGS_MAX] = self._read_legs(instructionId, instruction.legs)
    paid: uint256 = 0
    for leg: Leg in legs:
        if leg.payer == msg.sender:
            paid += 1
    if paid == 0 or self._has_affirmed[instructionId][msg.sender]:
        raw_revert(abi_encode(instructionId, msg.sender, method_id=method_id("NothingToAffirm(uint256,address)")))
    self._has_affirmed[instructionId][msg.sender] = True
    self._instructions[instructionId].waiting = instruction.waiting - paid
    log InstructionAffirmed(instructionId=instructionId, payer=msg.sender)
    if paid < instruction.waiting:
        for index: uint256 in range(len(legs), bound=LEGS_MAX):
            leg: Leg = legs[index]
            if leg.payer == msg.sender:
                self._holds[instructionId][index] = custody._reserve(
                    leg.token, leg.payer, leg.payee, leg.amount, instruction.memo
                )
        return
    self._instructions[instructionId].state = SETTLED
    log InstructionSettled(instructionId=instructionId)
    for index: uint256 in range(len(legs), bound=LEGS_MAX):
        leg: Leg = legs[index]
        hold_id: bytes32 = self._holds[instructionId][index]
        if leg.payer == msg.sender:
            custody._move(leg.token, leg.payer, leg.payee, leg.amount)
        elif hold_id != empty(bytes32):
            custody._draw(leg.token, hold_id, leg.amount)
        else:
            custody._pay(leg.token, leg.payee, leg.amount)


@external
def reject(instructionId: uint256, reason: bytes32):
    """
    @notice End an instruction before it settles; a payer's or payee's call. Every reservation returns.
    @dev Reverts with UnknownInstruction, InstructionEnded, CallerIsNoParty, AmountChanged.
    @param instructionId Number of the instruction.
    @param reason The caller's reason, for the other parties.
    """
    instruction: Instruction = self._proposed(instructionId)
    legs: DynArray[Leg, LEGS_MAX] = self._read_legs(instructionId, instruction.legs)
    is_party: bool = False
    for leg: Leg in legs:
        if msg.sender == leg.payer or msg.sender == leg.payee:
            is_party = True
    if not is_party:
        raw_revert(abi_encode(instructionId, msg.sender, method_id=method_id("CallerIsNoParty(uint256,address)")))
    self._instructions[instructionId].state = REJECTED
    log InstructionRejected(instructionId=instructionId, party=msg.sender, reason=reason)
    self._give_back(instructionId, legs)


@external
def cancel(instructionId: uint256):
    """
    @notice End an instruction that has expired. Anybody may call this; every reservation returns.
    @dev Reverts with UnknownInstruction, InstructionEnded, InstructionNotExpired, AmountChanged.
    @param instructionId Number of the instruction.
    """
    instruction: Instruction = self._proposed(instructionId)
    now: uint64 = self._now()
    if now <= instruction.expiresAt:
        raw_revert(
            abi_encode(
                instructionId,
                instruction.expiresAt,
                now,
                method_id=method_id("InstructionNotExpired(uint256,uint64,uint64)"),
            )
        )
    self._instructions[instructionId].state = CANCELLED
    log InstructionCancelled(instructionId=instructionId)
    self._give_back(instructionId, self._read_legs(instructionId, instruction.legs))


@external
def settleNow(
    legs: DynArray[Leg, LEGS_MAX],
    validUntil: uint64,
    memo: bytes32,
    salt: uint256,
    consents: DynArray[Consent, LEGS_MAX],
) -> bytes32:
    """
    @notice Settle legs at once with the signatures of all who pay; the sender of the transaction need not sign.
    @dev Reverts with NoLegs, InvalidLeg, ConsentExpired, ConsentUsed, ConsentWithdrawn, InvalidSignature,
         ConsentMissing, NoTokenHere, TransferRefused, AmountChanged, or a token's own reason.
    @param legs Who pays whom how much of which token, in the order of settlement.
    @param validUntil Last second in which the signatures count.
    @param memo The trade's reference.
    @param salt Any number that makes these terms different from all settled before.
    @param consents Parties with their signatures of the digest.
    @return The digest of the terms.
    """
    self._validate_legs(legs)
    now: uint64 = self._now()
    if now > validUntil:
        raw_revert(abi_encode(validUntil, now, method_id=method_id("ConsentExpired(uint64,uint64)")))
    digest: bytes32 = self._digest_of(legs, validUntil, memo, salt)
    if self._is_used[digest]:
        raw_revert(abi_encode(digest, method_id=method_id("ConsentUsed(bytes32)")))
    self._is_used[digest] = True
    for consent: Consent in consents:
        if self._is_withdrawn[consent.party][digest]:
            raw_revert(abi_encode(consent.party, digest, method_id=method_id("ConsentWithdrawn(address,bytes32)")))
        signatures._require_signed(consent.party, digest, consent.signature)
    for leg: Leg in legs:
        if leg.payer != msg.sender and not self._has_consent(leg.payer, consents):
            raw_revert(abi_encode(leg.payer, method_id=method_id("ConsentMissing(address)")))
    log SettledNow(digest=digest, memo=memo)
    for leg: Leg in legs:
        custody._move(leg.token, leg.payer, leg.payee, leg.amount)
    return digest


@external
def withdrawConsent(digest: bytes32):
    """
    @notice Take back the caller's signature of terms that have not been settled; without effect afterwards.
    @dev Reverts with ConsentUsed.
    @param digest The digest of the terms, as `digestOf` gives it.
    """
    if self._is_used[digest]:
        raw_revert(abi_encode(digest, method_id=method_id("ConsentUsed(bytes32)")))
    self._is_withdrawn[msg.sender][digest] = True
    log ConsentTakenBack(party=msg.sender, digest=digest)


@external
@view
def digestOf(legs: DynArray[Leg, LEGS_MAX], validUntil: uint64, memo: bytes32, salt: uint256) -> bytes32:
    """
    @notice The digest that parties sign for `settleNow` (EIP-712).
    @param legs Who pays whom how much of which token, in the order of settlement.
    @param validUntil Last second in which the signatures count.
    @param memo The trade's reference.
    @param salt Any number that makes these terms different from all settled before.
    @return The digest.
    """
    return self._digest_of(legs, validUntil, memo, salt)


@external
@view
def instructionOf(instructionId: uint256) -> (Instruction, DynArray[Leg, LEGS_MAX]):
    """
    @notice What was proposed and what became of it.
    @dev Reverts with UnknownInstruction.
    @param instructionId Number of the instruction.
    @return Its state (1 proposed, 2 settled, 3 rejected, 4 cancelled) with the number of legs still waiting for their
            payer, and the legs.
    """
    instruction: Instruction = self._known(instructionId)
    return instruction, self._read_legs(instructionId, instruction.legs)


@external
@view
def hasAffirmed(instructionId: uint256, payer: address) -> bool:
    """
    @notice Whether a payer has agreed.
    @param instructionId Number of the instruction.
    @param payer Who.
    @return True if its legs are reserved, or were.
    """
    return self._has_affirmed[instructionId][payer]


@internal
@view
def _validate_legs(legs: DynArray[Leg, LEGS_MAX]):
    if len(legs) == 0:
        raw_revert(method_id("NoLegs()"))
    for index: uint256 in range(len(legs), bound=LEGS_MAX):
        leg: Leg = legs[index]
        is_valid: bool = leg.amount > 0 and leg.payer != leg.payee
        for party: address in [leg.payer, leg.payee]:
            if party == empty(address) or party == self:
                is_valid = False
        if not is_valid:
            raw_revert(abi_encode(index, method_id=method_id("InvalidLeg(uint256)")))


@internal
def _give_back(instruction_id: uint256, legs: DynArray[Leg, LEGS_MAX]):
    for index: uint256 in range(len(legs), bound=LEGS_MAX):
        leg: Leg = legs[index]
        if self._has_affirmed[instruction_id][leg.payer]:
            custody._give_back(leg.token, self._holds[instruction_id][index], leg.payer, leg.amount)


@internal
@pure
def _has_consent(party: address, consents: DynArray[Consent, LEGS_MAX]) -> bool:
    for consent: Consent in consents:
        if consent.party == party:
            return True
    return False


@internal
@view
def _digest_of(legs: DynArray[Leg, LEGS_MAX], valid_until: uint64, memo: bytes32, salt: uint256) -> bytes32:
    hashes: bytes32[LEGS_MAX] = empty(bytes32[LEGS_MAX])
    for index: uint256 in range(len(legs), bound=LEGS_MAX):
        hashes[index] = keccak256(abi_encode(LEG_TYPE, legs[index]))
    legs_hash: bytes32 = keccak256(slice(abi_encode(hashes), 0, 32 * len(legs)))
    return signatures._digest(keccak256(abi_encode(SETTLEMENT_TYPE, legs_hash, valid_until, memo, salt)))


@internal
@view
def _read_legs(instruction_id: uint256, count: uint256) -> DynArray[Leg, LEGS_MAX]:
    legs: DynArray[Leg, LEGS_MAX] = []
    for index: uint256 in range(count, bound=LEGS_MAX):
        legs.append(self._legs[instruction_id][index])
    return legs


@internal
@view
def _proposed(instruction_id: uint256) -> Instruction:
    instruction: Instruction = self._known(instruction_id)
    if instruction.state != PROPOSED:
        raw_revert(abi_encode(instruction_id, instruction.state, method_id=method_id("InstructionEnded(uint256,uint8)")))
    return instruction


@internal
@view
def _known(instruction_id: uint256) -> Instruction:
    instruction: Instruction = self._instructions[instruction_id]
    if instruction.state == 0:
        raw_revert(abi_encode(instruction_id, method_id=method_id("UnknownInstruction(uint256)")))
    return instruction


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
