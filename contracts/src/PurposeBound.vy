# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title PurposeBound
@license Apache-2.0
@notice Money for a purpose: subsidies, vouchers, wages with conditions. What a giver puts into a programme, its
        beneficiaries spend at the programme's payees until the programme expires; what is left then returns.
@dev Nobody has privileges. A giver cannot take back before the expiry what it gave, and can widen a purpose but not
     narrow it. Beneficiaries cannot pass their money on except to payees, who receive the plain token. The roles are
     those of ERC-7291: the programme is the purpose, issuing wraps, spending unwraps for a payee. Amounts are in the
     token's minor unit, instants in seconds.
"""

import custody

initializes: custody
exports: (custody.owedTo, custody.withdraw)

# error InvalidTimes(uint64 start, uint64 end, uint64 now)
#   A programme ends after it starts and after now, and within ten years from now.
# error InvalidCap(uint128 perPayment)
#   The cap of one payment is at least one minor unit.
# error NoPayees()
#   A programme has payees from the start, and adding adds at least one.
# error InvalidPayee(address payee)
#   A payee is neither zero nor this contract.
# error NothingToDo()
#   A list has at least one row.
# error ListsDiffer(uint256 beneficiaries, uint256 amounts)
#   There is one amount for each beneficiary.
# error InvalidBeneficiary(address beneficiary)
#   A beneficiary is neither zero nor this contract.
# error InvalidAmount(uint256 amount)
#   An amount is at least one minor unit and at most 2^128 - 1.
# error UnknownProgramme(uint256 programmeId)
#   No programme has this number.
# error CallerIsNotGiver(address caller, address giver)
#   The programme is another account's.
# error ProgrammeExpired(uint256 programmeId, uint64 end, uint64 now)
#   Its last second has passed: what is left returns to the giver.
# error ProgrammeNotExpired(uint256 programmeId, uint64 end, uint64 now)
#   Until its last second has passed the money is the beneficiaries'.
# error ProgrammeNotStarted(uint256 programmeId, uint64 start, uint64 now)
#   It can be spent later.
# error NotForThisPayee(uint256 programmeId, address payee)
#   The programme is for other payees.
# error PaymentTooLarge(uint256 programmeId, uint256 amount, uint256 most)
#   The beneficiary has less, or one payment is capped.

event ProgrammeCreated:
    # A giver made a purpose: these payees, between these two seconds, so much in one payment.
    programmeId: indexed(uint256)
    giver: indexed(address)
    token: indexed(address)
    payees: DynArray[address, ROWS_MAX]
    perPayment: uint128
    start: uint64
    end: uint64
    memo: bytes32

event PayeesAdded:
    # The giver widened the purpose.
    programmeId: indexed(uint256)
    payees: DynArray[address, ROWS_MAX]

event Issued:
    # The giver set an amount aside for a beneficiary.
    programmeId: indexed(uint256)
    beneficiary: indexed(address)
    amount: uint256

event Spent:
    # A beneficiary paid a payee; memo is the payment's reference.
    programmeId: indexed(uint256)
    beneficiary: indexed(address)
    payee: indexed(address)
    amount: uint256
    memo: bytes32

event Returned:
    # The programme has expired, and what a beneficiary left returned to the giver, or is owed to it.
    programmeId: indexed(uint256)
    beneficiary: indexed(address)
    amount: uint256

struct Programme:
    giver: address
    token: address
    perPayment: uint128
    start: uint64
    end: uint64

ROWS_MAX: constant(uint256) = 100  # rows of one call: 6 000 units of work, a fortieth of what a transaction may
AMOUNT_MAX: constant(uint256) = 2**128 - 1  # so many rows of it cannot leave a word
PROGRAMME_SECONDS_MAX: constant(uint64) = 10 * 366 * 86_400  # ten years; an instant in milliseconds is refused by it

_programmes: HashMap[uint256, Programme]
_is_payee: HashMap[uint256, HashMap[address, bool]]
_balances: HashMap[uint256, HashMap[address, uint256]]  # programme, beneficiary: minor units
_programme_count: uint256


@external
def createProgramme(
    token: address,
    payees: DynArray[address, ROWS_MAX],
    perPayment: uint128,
    start: uint64,
    end: uint64,
    memo: bytes32,
) -> uint256:
    """
    @notice Make a purpose; the caller is its giver. Nothing moves.
    @dev Reverts with NoTokenHere, InvalidCap, InvalidTimes, NoPayees, InvalidPayee.
    @param token Which token is given.
    @param payees Who can be paid.
    @param perPayment Cap of one payment, in minor units.
    @param start First second in which it can be spent.
    @param end Last second in which it can be spent.
    @param memo The programme's reference.
    @return Number of the programme.
    """
    custody._require_token(token)
    if perPayment == 0:
        raw_revert(abi_encode(perPayment, method_id=method_id("InvalidCap(uint128)")))
    now: uint64 = self._now()
    if end < start or end <= now or end > now + PROGRAMME_SECONDS_MAX:
        raw_revert(abi_encode(start, end, now, method_id=method_id("InvalidTimes(uint64,uint64,uint64)")))
    self._programme_count += 1
    programme_id: uint256 = self._programme_count
    self._programmes[programme_id] = Programme(
        giver=msg.sender, token=token, perPayment=perPayment, start=start, end=end
    )
    log ProgrammeCreated(
        programmeId=programme_id,
        giver=msg.sender,
        token=token,
        payees=payees,
        perPayment=perPayment,
        start=start,
        end=end,
        memo=memo,
    )
    self._add_payees(programme_id, payees)
    return programme_id


@external
def addPayees(programmeId: uint256, payees: DynArray[address, ROWS_MAX]):
    """
    @notice Widen a purpose; the giver's call. Payees are never removed.
    @dev Reverts with UnknownProgramme, CallerIsNotGiver, ProgrammeExpired, NoPayees, InvalidPayee.
    @param programmeId Number of the programme.
    @param payees Who can be paid besides.
    """
    self._require_giver_in_time(programmeId)
    self._add_payees(programmeId, payees)
    log PayeesAdded(programmeId=programmeId, payees=payees)


@external
def issue(programmeId: uint256, beneficiaries: DynArray[address, ROWS_MAX], amounts: DynArray[uint256, ROWS_MAX]):
    """
    @notice Give to many at once; the giver's call. The contract needs an allowance for the sum.
    @dev Reverts with UnknownProgramme, CallerIsNotGiver, ProgrammeExpired, NothingToDo, ListsDiffer,
         InvalidBeneficiary, InvalidAmount, TransferRefused, AmountChanged, or the token's own reason. All or nothing.
    @param programmeId Number of the programme.
    @param beneficiaries Who may spend.
    @param amounts How much each, in minor units, on top of what each has.
    """
    programme: Programme = self._require_giver_in_time(programmeId)
    if len(beneficiaries) != len(amounts):
        raw_revert(abi_encode(len(beneficiaries), len(amounts), method_id=method_id("ListsDiffer(uint256,uint256)")))
    self._require_rows(len(beneficiaries))
    total: uint256 = 0
    for row: uint256 in range(len(beneficiaries), bound=ROWS_MAX):
        beneficiary: address = beneficiaries[row]
        amount: uint256 = amounts[row]
        if beneficiary == empty(address) or beneficiary == self:
            raw_revert(abi_encode(beneficiary, method_id=method_id("InvalidBeneficiary(address)")))
        if amount == 0 or amount > AMOUNT_MAX:
            raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))
        total += amount
        self._balances[programmeId][beneficiary] += amount
        log Issued(programmeId=programmeId, beneficiary=beneficiary, amount=amount)
    custody._take(programme.token, msg.sender, total)


@external
def spend(programmeId: uint256, payee: address, amount: uint256, memo: bytes32):
    """
    @notice Pay a payee of the programme; a beneficiary's call.
    @dev Reverts with UnknownProgramme, ProgrammeNotStarted, ProgrammeExpired, NotForThisPayee, InvalidAmount,
         AccountMayNotSend, PaymentTooLarge, TransferRefused, AmountChanged, or the token's own reason: nothing has
         been spent then.
    @param programmeId Number of the programme.
    @param payee Whom.
    @param amount In minor units.
    @param memo The payment's reference.
    """
    programme: Programme = self._known(programmeId)
    now: uint64 = self._now()
    if now < programme.start:
        raw_revert(
            abi_encode(programmeId, programme.start, now, method_id=method_id("ProgrammeNotStarted(uint256,uint64,uint64)"))
        )
    self._require_in_time(programmeId, programme.end)
    if not self._is_payee[programmeId][payee]:
        raw_revert(abi_encode(programmeId, payee, method_id=method_id("NotForThisPayee(uint256,address)")))
    if amount == 0:
        raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))
    custody._require_may_send(programme.token, msg.sender)
    balance: uint256 = self._balances[programmeId][msg.sender]
    most: uint256 = min(balance, convert(programme.perPayment, uint256))
    if amount > most:
        raw_revert(abi_encode(programmeId, amount, most, method_id=method_id("PaymentTooLarge(uint256,uint256,uint256)")))
    self._balances[programmeId][msg.sender] = balance - amount
    log Spent(programmeId=programmeId, beneficiary=msg.sender, payee=payee, amount=amount, memo=memo)
    custody._pay(programme.token, payee, amount)


@external
def reclaim(programmeId: uint256, beneficiaries: DynArray[address, ROWS_MAX]):
    """
    @notice Return to the giver what beneficiaries left of an expired programme. Anybody may call this.
    @dev Reverts with UnknownProgramme, ProgrammeNotExpired, NothingToDo, AmountChanged. Who left nothing is passed over.
    @param programmeId Number of the programme.
    @param beneficiaries Whose rest.
    """
    programme: Programme = self._known(programmeId)
    now: uint64 = self._now()
    if now <= programme.end:
        raw_revert(
            abi_encode(programmeId, programme.end, now, method_id=method_id("ProgrammeNotExpired(uint256,uint64,uint64)"))
        )
    self._require_rows(len(beneficiaries))
    total: uint256 = 0
    for beneficiary: address in beneficiaries:
        amount: uint256 = self._balances[programmeId][beneficiary]
        if amount > 0:
            self._balances[programmeId][beneficiary] = 0
            total += amount
            log Returned(programmeId=programmeId, beneficiary=beneficiary, amount=amount)
    custody._pay_or_owe(programme.token, programme.giver, total)


@external
@view
def programmeOf(programmeId: uint256) -> Programme:
    """
    @notice What a programme says.
    @dev Reverts with UnknownProgramme.
    @param programmeId Number of the programme.
    @return Giver, token, cap of one payment, first and last second.
    """
    return self._known(programmeId)


@external
@view
def balanceOf(programmeId: uint256, beneficiary: address) -> uint256:
    """
    @notice What a beneficiary has in a programme; after its last second, what is to return to the giver.
    @param programmeId Number of the programme.
    @param beneficiary Whose.
    @return Minor units.
    """
    return self._balances[programmeId][beneficiary]


@external
@view
def isPayee(programmeId: uint256, account: address) -> bool:
    """
    @notice Whether a programme's money can be spent at an account.
    @param programmeId Number of the programme.
    @param account Which.
    @return True if it can.
    """
    return self._is_payee[programmeId][account]


@internal
def _add_payees(programme_id: uint256, payees: DynArray[address, ROWS_MAX]):
    if len(payees) == 0:
        raw_revert(method_id("NoPayees()"))
    for payee: address in payees:
        if payee == empty(address) or payee == self:
            raw_revert(abi_encode(payee, method_id=method_id("InvalidPayee(address)")))
        self._is_payee[programme_id][payee] = True


@internal
@view
def _require_giver_in_time(programme_id: uint256) -> Programme:
    programme: Programme = self._known(programme_id)
    if msg.sender != programme.giver:
        raw_revert(abi_encode(msg.sender, programme.giver, method_id=method_id("CallerIsNotGiver(address,address)")))
    self._require_in_time(programme_id, programme.end)
    return programme


@internal
@view
def _require_in_time(programme_id: uint256, end: uint64):
    now: uint64 = self._now()
    if now > end:
        raw_revert(abi_encode(programme_id, end, now, method_id=method_id("ProgrammeExpired(uint256,uint64,uint64)")))


@internal
@pure
def _require_rows(count: uint256):
    if count == 0:
        raw_revert(method_id("NothingToDo()"))


@internal
@view
def _known(programme_id: uint256) -> Programme:
    programme: Programme = self._programmes[programme_id]
    if programme.giver == empty(address):
        raw_revert(abi_encode(programme_id, method_id=method_id("UnknownProgramme(uint256)")))
    return programme


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
