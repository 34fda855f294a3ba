# pragma version 0.4.3
# pragma evm-version prague
"""
@title HostileToken
@license Apache-2.0
@notice An ERC-20 for tests that is honest until it is told to misbehave in one way or another.
"""

# error AccountSuspended(address account)
#   The account takes no part in transfers.
# error TransfersPaused()
#   Nothing moves.
# error InsufficientBalance(address account, uint256 balance, uint256 needed)
#   The account has less.
# error InsufficientAllowance(address spender, uint256 allowance, uint256 needed)
#   The spender may move less.

HONEST: constant(uint8) = 0
LIES: constant(uint8) = 1  # answers true and moves nothing
ANSWERS_FALSE: constant(uint8) = 2  # answers false and moves nothing
ANSWERS_NOTHING: constant(uint8) = 3  # moves, and answers with no bytes
TAKES_FEE: constant(uint8) = 4  # a tenth of what arrives
OVERCHARGES: constant(uint8) = 5  # the sender pays a tenth more
ANSWERS_NONSENSE: constant(uint8) = 6  # moves, and answers with a word that is no truth value
FALSE_BUT_MOVES: constant(uint8) = 7  # moves, and answers false

_balances: HashMap[address, uint256]
_allowances: HashMap[address, HashMap[address, uint256]]
_is_suspended: HashMap[address, bool]
_is_paused: bool
_mode: uint8
_callback_target: address
_callback_data: Bytes[1024]
_callback_answer: Bytes[256]
_callback_succeeded: bool


@external
@view
def balanceOf(account: address) -> uint256:
    """
    @notice Balance.
    @param account Whose.
    @return Minor units.
    """
    return self._balances[account]


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    """
    @notice What a spender may move.
    @param owner Whose money.
    @param spender Who moves it.
    @return Minor units.
    """
    return self._allowances[owner][spender]


@external
@view
def canSend(account: address) -> bool:
    """
    @notice Whether an account may send (ERC-7943).
    @param account Which.
    @return False while it is suspended.
    """
    return not self._is_suspended[account]


@external
@view
def callbackOutcome() -> (bool, Bytes[256]):
    """
    @notice What the last callback answered.
    @return Whether it succeeded, and its output.
    """
    return self._callback_succeeded, self._callback_answer


@external
@view
def decimals() -> uint8:
    """
    @notice Digits of the minor unit.
    @return 2.
    """
    return 2


@external
@view
def hasRole(role: bytes32, account: address) -> bool:
    """
    @notice Whether an account has a role.
    @param role Any.
    @param account Anybody.
    @return True.
    """
    return True


@external
def give(account: address, amount: uint256):
    """
    @notice Create money, however the token misbehaves.
    @param account For whom.
    @param amount Minor units.
    """
    self._balances[account] += amount


@external
def mint(to: address, amount: uint256, memo: bytes32):
    """
    @notice Create money.
    @param to For whom.
    @param amount Minor units.
    @param memo Anything.
    """
    self._require_open(to)
    self._call_back()
    if self._mode != LIES:
        self._balances[to] += amount


@external
def burn(amount: uint256, memo: bytes32):
    """
    @notice Destroy money of the caller.
    @param amount Minor units.
    @param memo Anything.
    """
    self._require_open(msg.sender)
    if self._mode != LIES:
        self._balances[msg.sender] -= amount


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Allow a spender to move the caller's money.
    @param spender Who.
    @param amount Minor units.
    @return True.
    """
    self._allowances[msg.sender][spender] = amount
    return True


@external
def suspend(account: address, isSuspended: bool):
    """
    @notice Suspend an account or let it take part again.
    @param account Which.
    @param isSuspended Whether.
    """
    self._is_suspended[account] = isSuspended


@external
def pause(isPaused: bool):
    """
    @notice Stop all transfers or let them run again.
    @param isPaused Whether.
    """
    self._is_paused = isPaused


@external
def misbehave(mode: uint8):
    """
    @notice Choose how transfers go wrong.
    @param mode One of the constants above.
    """
    self._mode = mode


@external
def callBack(target: address, data: Bytes[1024]):
    """
    @notice Choose what is called in the middle of a transfer.
    @param target Whom; the zero address for nobody.
    @param data With what.
    """
    self._callback_target = target
    self._callback_data = data


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[32]:
    """
    @notice Move the caller's money.
    @param to Whom to.
    @param amount Minor units.
    @return True, or what the mode says.
    """
    return self._transfer(msg.sender, to, amount)


@external
@raw_return
def transferFrom(sender: address, to: address, amount: uint256) -> Bytes[32]:
    """
    @notice Move somebody's money.
    @param sender Whose.
    @param to Whom to.
    @param amount Minor units.
    @return True, or what the mode says.
    """
    allowed: uint256 = self._allowances[sender][msg.sender]
    if allowed < amount:
        raw_revert(
            abi_encode(msg.sender, allowed, amount, method_id=method_id("InsufficientAllowance(address,uint256,uint256)"))
        )
    self._allowances[sender][msg.sender] = allowed - amount
    return self._transfer(sender, to, amount)


@internal
def _transfer(sender: address, to: address, amount: uint256) -> Bytes[32]:
    self._require_open(sender)
    self._require_open(to)
    self._call_back()
    mode: uint8 = self._mode
    if mode == LIES:
        return abi_encode(True)
    if mode == ANSWERS_FALSE:
        return abi_encode(False)
    paid: uint256 = amount
    received: uint256 = amount
    if mode == TAKES_FEE:
        received -= amount // 10
    if mode == OVERCHARGES:
        paid += amount // 10
    if self._balances[sender] < paid:
        raw_revert(
            abi_encode(
                sender, self._balances[sender], paid, method_id=method_id("InsufficientBalance(address,uint256,uint256)")
            )
        )
    self._balances[sender] -= paid
    self._balances[to] += received
    if mode == ANSWERS_NOTHING:
        return b""
    if mode == ANSWERS_NONSENSE:
        return abi_encode(convert(2, uint256))
    return abi_encode(mode != FALSE_BUT_MOVES)


@internal
@view
def _require_open(account: address):
    if self._is_paused:
        raw_revert(method_id("TransfersPaused()"))
    if self._is_suspended[account]:
        raw_revert(abi_encode(account, method_id=method_id("AccountSuspended(address)")))


@internal
def _call_back():
    if self._callback_target != empty(address):
        self._callback_succeeded, self._callback_answer = raw_call(
            self._callback_target, self._callback_data, max_outsize=256, revert_on_failure=False
        )
