# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Custody
@license Apache-2.0
@notice How the settlement contracts take tokens, keep them and pay them out.
@dev A token is believed in nothing: what it moved is measured, and an answer of false or a missing answer of a token
     without code is a failure. Tokens whose balances change by themselves are not supported.
     A payment that has been decided never waits for its receiver: if the token refuses it, because the receiver is
     suspended or the currency is paused, the amount is owed and anybody may bring it to the receiver later.
     What a payer sets aside of a native currency stays in its own position, as held; of any other token the contract
     keeps it.
     Amounts are in the token's minor unit.
"""

from ethereum.ercs import IERC20

# A native currency: it can reserve money where it is, and is believed.
interface Currency:
    def createHoldFrom(
        payer: address, id: bytes32, payee: address, notary: address, amount: uint256, expiresAt: uint64, memo: bytes32
    ): nonpayable
    def executeHold(id: bytes32, amount: uint256): nonpayable
    def releaseHold(id: bytes32): nonpayable
    def holdOf(id: bytes32) -> Hold: view

struct Hold:
    payer: address
    payee: address
    notary: address
    amount: uint256
    remaining: uint256
    expiresAt: uint64
    consentedUntil: uint64
    memo: bytes32
    status: uint8

# error NoTokenHere(address token)
#   There is no code at the address that was given as a token.
# error TransferRefused(address token)
#   The token answered that it did not move anything, without a reason of its own.
# error AmountChanged(address token, uint256 expected, uint256 moved)
#   The token moved another amount than it was told: it takes a fee on transfers, or it lies.
# error AccountMayNotSend(address account, address token)
#   The token says that the account takes no part in transfers, so it cannot spend what others keep for it either.
# error GasTooLow(uint256 available, uint256 needed)
#   A payment failed with so little gas that this proves nothing: give the transaction more.
# error NothingOwed(address account, address token)
#   The contract owes the account nothing in that token.

event PaymentPostponed:
    # A payment was decided, the token refused it with this reason (cut after 256 bytes), and the account is now owed
    # the amount, in minor units.
    account: indexed(address)
    token: indexed(address)
    amount: uint256
    reason: Bytes[REASON_BYTES_MAX]

event OwedPaid:
    # What an account was owed, in minor units, has been paid.
    account: indexed(address)
    token: indexed(address)
    amount: uint256

REASON_BYTES_MAX: constant(uint256) = 256  # a named error with seven values; more is cut, not refused

CURRENCIES: constant(uint256) = 1559105536 * 2**96  # 0x5cee1000 and 12 zero bytes: what addresses of native currencies begin with
HOLD_OPEN: constant(uint8) = 1
PAYMENT_GAS: constant(uint256) = 200_000  # what any honest token needs to move something, several times over
HOLD_ID_TRIES: constant(uint256) = 8  # anybody may use up an id, if it is early enough in the same block: eight times

_owed: HashMap[address, HashMap[address, uint256]]  # account, token: minor units
_hold_count: uint256


@external
@view
def owedTo(account: address, token: address) -> uint256:
    """
    @notice What the contract owes an account because the token refused to move it when it was due.
    @param account Whose claim.
    @param token In which token.
    @return Minor units.
    """
    return self._owed[account][token]


@external
def withdraw(account: address, token: address):
    """
    @notice Pay an account what it is owed. Anybody may call this: it pays nobody else.
    @dev Reverts with NothingOwed, with the token's own reason while it refuses, TransferRefused, AmountChanged.
    @param account Whose claim.
    @param token In which token.
    """
    amount: uint256 = self._owed[account][token]
    if amount == 0:
        raw_revert(abi_encode(account, token, method_id=method_id("NothingOwed(address,address)")))
    self._owed[account][token] = 0
    self._pay(token, account, amount)
    log OwedPaid(account=account, token=token, amount=amount)


@internal
def _take(token: address, payer: address, amount: uint256):
    # Bring what the payer allowed into this contract, or revert with the token's own reason.
    self._require_token(token)
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    if not extcall IERC20(token).transferFrom(payer, self, amount, default_return_value=True):
        raw_revert(abi_encode(token, method_id=method_id("TransferRefused(address)")))
    self._require_moved(token, amount, before, staticcall IERC20(token).balanceOf(self))


@internal
def _reserve(token: address, payer: address, payee: address, amount: uint256, memo: bytes32) -> bytes32:
    # Set aside what the payer allowed, or revert with the token's own reason. Returns the id of a hold that only this
    # contract executes, for the payee, or zero if this contract now keeps the amount.
    if not self._has_holds(token):
        self._take(token, payer, amount)
        return empty(bytes32)
    self._hold_count += 1
    hold_id: bytes32 = empty(bytes32)
    for attempt: uint256 in range(HOLD_ID_TRIES):
        hold_id = keccak256(abi_encode(self, self._hold_count, attempt, payer, block.prevrandao))
        if not self._is_hold(token, hold_id):
            break
    extcall Currency(token).createHoldFrom(payer, hold_id, payee, self, amount, max_value(uint64), memo)
    return hold_id


@internal
def _draw(token: address, hold_id: bytes32, amount: uint256):
    # Pay an amount of a hold to its payee, or revert with the currency's own reason; nothing to do without a hold.
    if hold_id != empty(bytes32) and amount > 0:
        extcall Currency(token).executeHold(hold_id, amount)


@internal
def _give_back(token: address, hold_id: bytes32, payer: address, amount: uint256):
    # Return all that is left of what was reserved; a currency asks nothing of who gets its own money back.
    if hold_id == empty(bytes32):
        self._pay_or_owe(token, payer, amount)
    elif amount > 0 and (staticcall Currency(token).holdOf(hold_id)).status == HOLD_OPEN:
        # A payee may have released it before, which came to the same.
        extcall Currency(token).releaseHold(hold_id)


@internal
def _move(token: address, payer: address, payee: address, amount: uint256):
    # Move what the payer allowed straight to the payee, or revert with the token's own reason. They differ.
    self._require_token(token)
    before: uint256 = staticcall IERC20(token).balanceOf(payee)
    if not extcall IERC20(token).transferFrom(payer, payee, amount, default_return_value=True):
        raw_revert(abi_encode(token, method_id=method_id("TransferRefused(address)")))
    self._require_moved(token, amount, before, staticcall IERC20(token).balanceOf(payee))


@internal
def _pay(token: address, payee: address, amount: uint256):
    # Pay out of this contract, or revert with the token's own reason.
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    if not extcall IERC20(token).transfer(payee, amount, default_return_value=True):
        raw_revert(abi_encode(token, method_id=method_id("TransferRefused(address)")))
    self._require_moved(token, amount, staticcall IERC20(token).balanceOf(self), before)


@internal
def _pay_or_owe(token: address, payee: address, amount: uint256):
    # Pay out of this contract; if the token refuses, note that the amount is owed. Only a token that moved some other
    # amount makes this revert: that would take from other people's money in this contract.
    if amount == 0:
        return
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    gas_before: uint256 = msg.gas
    is_done: bool = False
    answer: Bytes[REASON_BYTES_MAX] = b""
    is_done, answer = raw_call(
        token,
        abi_encode(payee, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=REASON_BYTES_MAX,
        revert_on_failure=False,
    )
    left: uint256 = staticcall IERC20(token).balanceOf(self)
    if left == before:
        if gas_before < PAYMENT_GAS:
            raw_revert(abi_encode(gas_before, PAYMENT_GAS, method_id=method_id("GasTooLow(uint256,uint256)")))
        self._owed[payee][token] += amount
        log PaymentPostponed(account=payee, token=token, amount=amount, reason=answer)
    else:
        self._require_moved(token, amount, left, before)


@internal
@pure
def _has_holds(token: address) -> bool:
    return convert(token, uint256) >> 32 == CURRENCIES


@internal
@view
def _is_hold(token: address, hold_id: bytes32) -> bool:
    is_known: bool = False
    answer: Bytes[32] = b""
    is_known, answer = raw_call(
        token,
        abi_encode(hold_id, method_id=method_id("holdOf(bytes32)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return is_known


@internal
@view
def _require_token(token: address):
    if not token.is_contract:
        raw_revert(abi_encode(token, method_id=method_id("NoTokenHere(address)")))


@internal
@view
def _require_may_send(token: address, account: address):
    # Ask a token that can tell (ERC-7943) whether an account may send. Others are not asked twice: the call fails.
    has_answered: bool = False
    answer: Bytes[32] = b""
    has_answered, answer = raw_call(
        token,
        abi_encode(account, method_id=method_id("canSend(address)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    if has_answered and len(answer) == 32 and convert(answer, uint256) == 0:
        raw_revert(abi_encode(account, token, method_id=method_id("AccountMayNotSend(address,address)")))


@internal
@pure
def _require_moved(token: address, amount: uint256, low: uint256, high: uint256):
    # A balance that went the other way has moved nothing of what was asked for.
    moved: uint256 = 0
    if high > low:
        moved = high - low
    if moved != amount:
        raw_revert(abi_encode(token, amount, moved, method_id=method_id("AmountChanged(address,uint256,uint256)")))
