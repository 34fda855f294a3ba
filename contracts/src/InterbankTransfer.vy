# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title InterbankTransfer
@license Apache-2.0
@notice Payments from a customer of one bank to a customer of another in one transaction: deposits of the first bank end,
        central-bank money moves between the banks, deposits of the second begin.
@dev Every bank has a deposit currency of its own, which this contract issues and ends within what the bank lets it, and
     lets this contract move its central-bank money. Nobody else has privileges. Either all three happen or none. A bank
     that wants to look first accepts each payment; the customer's deposits wait in this contract then, and return to
     the customer if it does not. Amounts are in the minor unit, the same in all currencies, instants in seconds.
"""

import custody

initializes: custody
exports: (custody.owedTo, custody.withdraw)

interface Deposit:
    def decimals() -> uint8: view
    def balanceOf(account: address) -> uint256: view
    def hasRole(role: bytes32, account: address) -> bool: view
    def mint(to: address, amount: uint256, memo: bytes32): nonpayable
    def burn(amount: uint256, memo: bytes32): nonpayable

# error InvalidDeposit(address deposit)
#   A deposit currency is not the central bank's, and no other bank has it here.
# error DecimalsDiffer(address deposit, uint8 decimals, uint8 needed)
#   Deposits are counted as central-bank money is.
# error RoleMissing(address deposit, bytes32 role, address account)
#   The bank is admin of its deposit currency (role 0), and has made this contract an issuer of it.
# error AlreadyMember(address bank)
#   The bank takes part; it leaves before it joins with another currency.
# error UnknownBank(address bank)
#   The account is no bank that takes part.
# error SameBank(address bank)
#   Within one bank a plain transfer does.
# error InvalidPayee(address payee)
#   The payee is neither zero nor this contract.
# error InvalidAmount(uint256 amount)
#   The amount is at least one minor unit.
# error InvalidExpiry(uint64 expiresAt, uint64 now, uint64 latest)
#   The expiry, in seconds, is after now and within ten days.
# error AcceptanceNeeded(address bank, uint256 amount, uint256 directMax)
#   The receiving bank wants to look at a payment of this amount first.
# error UnknownPayment(uint256 paymentId)
#   No payment has this number.
# error PaymentEnded(uint256 paymentId, uint8 state)
#   It was settled (3), rejected (4) or cancelled (5) before.
# error PaymentExpired(uint256 paymentId, uint64 expiresAt, uint64 now)
#   It is too late to accept; anybody can cancel.
# error PaymentNotExpired(uint256 paymentId, uint64 expiresAt, uint64 now)
#   Until the expiry the receiving bank decides.
# error CallerIsNotBank(address caller, address bank)
#   The receiving bank decides.

event BankJoined:
    # A bank takes part with its deposit currency, and is paid amounts up to directMax without being asked.
    bank: indexed(address)
    deposit: indexed(address)
    directMax: uint256

event BankLeft:
    # A bank takes no part in new payments any more.
    bank: indexed(address)

event DirectMaxChanged:
    # A bank is paid amounts up to this one without being asked.
    bank: indexed(address)
    directMax: uint256

event PaidDirectly:
    # A customer paid another bank's customer in one step; memo is the end-to-end reference.
    customer: indexed(address)
    payee: indexed(address)
    memo: indexed(bytes32)
    fromBank: address
    toBank: address
    amount: uint256

event PaymentRequested:
    # A customer's deposits wait for the receiving bank, with the sending bank's central-bank money if it is reserved.
    paymentId: indexed(uint256)
    customer: indexed(address)
    toBank: indexed(address)
    fromBank: address
    payee: address
    amount: uint256
    isReserved: bool
    expiresAt: uint64
    memo: bytes32

event PaymentSettled:
    # The receiving bank accepted and everything has been done.
    paymentId: indexed(uint256)

event PaymentRejected:
    # The receiving bank did not accept, for a reason such as AC04; what waited has returned, or is owed.
    paymentId: indexed(uint256)
    reasonCode: bytes4

event PaymentCancelled:
    # The payment expired; what waited has returned, or is owed.
    paymentId: indexed(uint256)

struct Bank:
    deposit: address
    directMax: uint256

struct Payment:
    customer: address
    payee: address
    fromBank: address
    toBank: address
    fromDeposit: address
    toDeposit: address
    amount: uint256
    expiresAt: uint64
    memo: bytes32
    state: uint8

EXPIRY_SECONDS_MAX: constant(uint64) = 10 * 86_400  # ten days: the longest that a customer's or bank's money waits

ADMIN_ROLE: constant(bytes32) = empty(bytes32)
ISSUER_ROLE: constant(bytes32) = keccak256("ISSUER_ROLE")

REQUESTED: constant(uint8) = 1
RESERVED: constant(uint8) = 2
SETTLED: constant(uint8) = 3
REJECTED: constant(uint8) = 4
CANCELLED: constant(uint8) = 5

_reserve: immutable(address)
_reserve_decimals: immutable(uint8)

_banks: HashMap[address, Bank]
_bank_of: HashMap[address, address]  # deposit currency: bank
_payments: HashMap[uint256, Payment]
_payment_count: uint256


@deploy
def __init__(reserve: address):
    """
    @notice Serve one central-bank currency.
    @dev Reverts with NoTokenHere.
    @param reserve In which banks pay each other.
    """
    custody._require_token(reserve)
    _reserve = reserve
    _reserve_decimals = staticcall Deposit(reserve).decimals()


@external
def join(deposit: address, directMax: uint256):
    """
    @notice Take part with a deposit currency; a bank's call. Before it, the bank makes this contract an issuer of the
            currency with an allowance to mint; for payments it sends, it lets it move its central-bank money.
    @dev Reverts with AlreadyMember, InvalidDeposit, NoTokenHere, DecimalsDiffer, RoleMissing.
    @param deposit The bank's currency.
    @param directMax Highest amount that the bank is paid without being asked; 0 to be asked always.
    """
    if self._banks[msg.sender].deposit != empty(address):
        raw_revert(abi_encode(msg.sender, method_id=method_id("AlreadyMember(address)")))
    if deposit == _reserve or self._bank_of[deposit] != empty(address):
        raw_revert(abi_encode(deposit, method_id=method_id("InvalidDeposit(address)")))
    custody._require_token(deposit)
    decimals: uint8 = staticcall Deposit(deposit).decimals()
    if decimals != _reserve_decimals:
        raw_revert(
            abi_encode(deposit, decimals, _reserve_decimals, method_id=method_id("DecimalsDiffer(address,uint8,uint8)"))
        )
    self._require_role(deposit, ADMIN_ROLE, msg.sender)
    self._require_role(deposit, ISSUER_ROLE, self)
    self._banks[msg.sender] = Bank(deposit=deposit, directMax=directMax)
    self._bank_of[deposit] = msg.sender
    log BankJoined(bank=msg.sender, deposit=deposit, directMax=directMax)


@external
def leave():
    """
    @notice Take no part in new payments any more; a bank's call. Payments that wait can still be accepted and rejected.
    @dev Reverts with UnknownBank.
    """
    bank: Bank = self._known_bank(msg.sender)
    self._bank_of[bank.deposit] = empty(address)
    self._banks[msg.sender] = empty(Bank)
    log BankLeft(bank=msg.sender)


@external
def setDirectMax(directMax: uint256):
    """
    @notice Change the highest amount that the caller is paid without being asked; a bank's call.
    @dev Reverts with UnknownBank.
    @param directMax In minor units; 0 to be asked always.
    """
    bank: Bank = self._known_bank(msg.sender)
    self._banks[msg.sender].directMax = directMax
    log DirectMaxChanged(bank=msg.sender, directMax=directMax)


@external
def pay(fromBank: address, toBank: address, payee: address, amount: uint256, memo: bytes32):
    """
    @notice Pay a customer of another bank in one step; the contract needs the caller's allowance for its deposits.
    @dev Reverts with UnknownBank, SameBank, InvalidPayee, InvalidAmount, AcceptanceNeeded, TransferRefused,
         AmountChanged, or a currency's own reason: nothing has happened then.
    @param fromBank The caller's bank.
    @param toBank The payee's bank.
    @param payee Whom.
    @param amount In minor units.
    @param memo End-to-end reference.
    """
    source: Bank = self._known_bank(fromBank)
    target: Bank = self._known_bank(toBank)
    self._validate_payment(fromBank, toBank, payee, amount)
    if amount > target.directMax:
        raw_revert(
            abi_encode(toBank, amount, target.directMax, method_id=method_id("AcceptanceNeeded(address,uint256,uint256)"))
        )
    log PaidDirectly(
        customer=msg.sender, payee=payee, memo=memo, fromBank=fromBank, toBank=toBank, amount=amount
    )
    custody._take(source.deposit, msg.sender, amount)
    self._burn(source.deposit, amount, memo)
    custody._move(_reserve, fromBank, toBank, amount)
    self._mint(target.deposit, payee, amount, memo)


@external
def request(
    fromBank: address,
    toBank: address,
    payee: address,
    amount: uint256,
    isReserved: bool,
    expiresAt: uint64,
    memo: bytes32,
) -> uint256:
    """
    @notice Ask another bank to accept a payment; the contract needs the caller's allowance for its deposits.
    @dev Reverts with UnknownBank, SameBank, InvalidPayee, InvalidAmount, InvalidExpiry, TransferRefused, AmountChanged,
         or a currency's own reason: nothing has happened then.
    @param fromBank The caller's bank.
    @param toBank The payee's bank.
    @param payee Whom.
    @param amount In minor units.
    @param isReserved Whether the sending bank's central-bank money is set aside at once, so that nothing is missing when
           the receiving bank accepts.
    @param expiresAt Last second in which it can be accepted.
    @param memo End-to-end reference.
    @return Number of the payment.
    """
    source: Bank = self._known_bank(fromBank)
    target: Bank = self._known_bank(toBank)
    self._validate_payment(fromBank, toBank, payee, amount)
    now: uint64 = self._now()
    if expiresAt <= now or expiresAt > now + EXPIRY_SECONDS_MAX:
        raw_revert(
            abi_encode(expiresAt, now, now + EXPIRY_SECONDS_MAX, method_id=method_id("InvalidExpiry(uint64,uint64,uint64)"))
        )
    self._payment_count += 1
    payment_id: uint256 = self._payment_count
    state: uint8 = REQUESTED
    if isReserved:
        state = RESERVED
    self._payments[payment_id] = Payment(
        customer=msg.sender,
        payee=payee,
        fromBank=fromBank,
        toBank=toBank,
        fromDeposit=source.deposit,
        toDeposit=target.deposit,
        amount=amount,
        expiresAt=expiresAt,
        memo=memo,
        state=state,
    )
    log PaymentRequested(
        paymentId=payment_id,
        customer=msg.sender,
        toBank=toBank,
        fromBank=fromBank,
        payee=payee,
        amount=amount,
        isReserved=isReserved,
        expiresAt=expiresAt,
        memo=memo,
    )
    custody._take(source.deposit, msg.sender, amount)
    if isReserved:
        custody._take(_reserve, fromBank, amount)
    return payment_id


@external
def accept(paymentId: uint256):
    """
    @notice Settle a payment; the receiving bank's call.
    @dev Reverts with UnknownPayment, PaymentEnded, CallerIsNotBank, PaymentExpired, TransferRefused, AmountChanged, or a
         currency's own reason: the payment waits on then.
    @param paymentId Number of the payment.
    """
    payment: Payment = self._waiting(paymentId)
    self._require_bank(payment.toBank)
    now: uint64 = self._now()
    if now > payment.expiresAt:
        raw_revert(
            abi_encode(paymentId, payment.expiresAt, now, method_id=method_id("PaymentExpired(uint256,uint64,uint64)"))
        )
    self._payments[paymentId].state = SETTLED
    log PaymentSettled(paymentId=paymentId)
    self._burn(payment.fromDeposit, payment.amount, payment.memo)
    if payment.state == RESERVED:
        custody._pay(_reserve, payment.toBank, payment.amount)
    else:
        custody._move(_reserve, payment.fromBank, payment.toBank, payment.amount)
    self._mint(payment.toDeposit, payment.payee, payment.amount, payment.memo)


@external
def reject(paymentId: uint256, reasonCode: bytes4):
    """
    @notice Return a payment; the receiving bank's call.
    @dev Reverts with UnknownPayment, PaymentEnded, CallerIsNotBank, AmountChanged.
    @param paymentId Number of the payment.
    @param reasonCode Four letters of the ISO 20022 list of return reasons, such as AC04.
    """
    payment: Payment = self._waiting(paymentId)
    self._require_bank(payment.toBank)
    self._payments[paymentId].state = REJECTED
    log PaymentRejected(paymentId=paymentId, reasonCode=reasonCode)
    self._give_back(payment)


@external
def cancel(paymentId: uint256):
    """
    @notice Return a payment that has expired. Anybody may call this.
    @dev Reverts with UnknownPayment, PaymentEnded, PaymentNotExpired, AmountChanged.
    @param paymentId Number of the payment.
    """
    payment: Payment = self._waiting(paymentId)
    now: uint64 = self._now()
    if now <= payment.expiresAt:
        raw_revert(
            abi_encode(paymentId, payment.expiresAt, now, method_id=method_id("PaymentNotExpired(uint256,uint64,uint64)"))
        )
    self._payments[paymentId].state = CANCELLED
    log PaymentCancelled(paymentId=paymentId)
    self._give_back(payment)


@external
@view
def reserveCurrency() -> address:
    """
    @notice The central-bank money in which banks pay each other.
    @return Its address.
    """
    return _reserve


@external
@view
def bankOf(bank: address) -> (address, uint256):
    """
    @notice What a bank takes part with.
    @dev Reverts with UnknownBank.
    @param bank Which.
    @return Its deposit currency, and the highest amount it is paid without being asked.
    """
    known: Bank = self._known_bank(bank)
    return known.deposit, known.directMax


@external
@view
def paymentOf(paymentId: uint256) -> Payment:
    """
    @notice A payment that was requested and what became of it.
    @dev Reverts with UnknownPayment.
    @param paymentId Number of the payment.
    @return The payment; state 1 requested, 2 requested and reserved, 3 settled, 4 rejected, 5 cancelled.
    """
    return self._known_payment(paymentId)


@internal
def _give_back(payment: Payment):
    custody._pay_or_owe(payment.fromDeposit, payment.customer, payment.amount)
    if payment.state == RESERVED:
        custody._pay_or_owe(_reserve, payment.fromBank, payment.amount)


@internal
def _burn(deposit: address, amount: uint256, memo: bytes32):
    before: uint256 = staticcall Deposit(deposit).balanceOf(self)
    extcall Deposit(deposit).burn(amount, memo)
    custody._require_moved(deposit, amount, staticcall Deposit(deposit).balanceOf(self), before)


@internal
def _mint(deposit: address, payee: address, amount: uint256, memo: bytes32):
    before: uint256 = staticcall Deposit(deposit).balanceOf(payee)
    extcall Deposit(deposit).mint(payee, amount, memo)
    custody._require_moved(deposit, amount, before, staticcall Deposit(deposit).balanceOf(payee))


@internal
@view
def _validate_payment(from_bank: address, to_bank: address, payee: address, amount: uint256):
    if from_bank == to_bank:
        raw_revert(abi_encode(from_bank, method_id=method_id("SameBank(address)")))
    if payee == empty(address) or payee == self:
        raw_revert(abi_encode(payee, method_id=method_id("InvalidPayee(address)")))
    if amount == 0:
        raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))


@internal
@view
def _require_role(deposit: address, role: bytes32, account: address):
    if not staticcall Deposit(deposit).hasRole(role, account):
        raw_revert(abi_encode(deposit, role, account, method_id=method_id("RoleMissing(address,bytes32,address)")))


@internal
@view
def _require_bank(bank: address):
    if msg.sender != bank:
        raw_revert(abi_encode(msg.sender, bank, method_id=method_id("CallerIsNotBank(address,address)")))


@internal
@view
def _known_bank(account: address) -> Bank:
    bank: Bank = self._banks[account]
    if bank.deposit == empty(address):
        raw_revert(abi_encode(account, method_id=method_id("UnknownBank(address)")))
    return bank


@internal
@view
def _waiting(payment_id: uint256) -> Payment:
    payment: Payment = self._known_payment(payment_id)
    if payment.state > RESERVED:
        raw_revert(abi_encode(payment_id, payment.state, method_id=method_id("PaymentEnded(uint256,uint8)")))
    return payment


@internal
@view
def _known_payment(payment_id: uint256) -> Payment:
    payment: Payment = self._payments[payment_id]
    if payment.state == 0:
        raw_revert(abi_encode(payment_id, method_id=method_id("UnknownPayment(uint256)")))
    return payment


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
