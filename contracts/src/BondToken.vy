# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title BondToken
@license Apache-2.0
@notice A bond as an ERC-20 with the controls of ERC-7943: coupons and redemption are paid in a currency to whoever
        holds it at that moment. An example of a security that is delivered against payment.
@dev Two accounts have duties, both fixed at the start. The issuer pays coupons and redemption in. The registrar admits
     holders, freezes, and moves bonds where the law says so; it never touches money, nor coupons that were due before.
     Bonds are counted in whole units without decimals, money in the currency's minor unit, instants in seconds.
"""

from ethereum.ercs import IERC20

import custody

implements: IERC20

# error ERC20InvalidReceiver(address receiver)
#   Bonds cannot go to the zero address.
# error ERC20InvalidSpender(address spender)
#   Nobody is the zero address.
# error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)
#   The account has fewer bonds.
# error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)
#   The spender may move fewer bonds.
# error ERC7943CannotSend(address account)
#   The registrar has not admitted the account.
# error ERC7943CannotReceive(address account)
#   The registrar has not admitted the account.
# error ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen)
#   So many of the account's bonds are not free: the registrar has frozen some.
# error InvalidTerms(address issuer, address registrar, uint128 par, uint256 units, uint64 maturity)
#   Issuer and registrar are accounts, par and units are positive (units at most 2^64 - 1), and maturity is ahead.
# error InvalidHolder(address account)
#   Neither zero nor this contract holds bonds.
# error CallerIsNotIssuer(address caller, address issuer)
#   The issuer's duty.
# error CallerIsNotRegistrar(address caller, address registrar)
#   The registrar's duty.
# error InvalidCoupon(uint256 amountPerUnit)
#   A coupon is at least one minor unit for each bond, and at most 2^64 - 1.
# error NothingOutstanding()
#   There is no bond left.
# error NotMature(uint64 maturity, uint64 now)
#   Redemption is paid in from the maturity on.
# error AlreadyRedeemable()
#   Redemption has been paid in: there are no coupons any more, and bonds are redeemed.
# error NotRedeemable()
#   The issuer has not paid redemption in.
# error NothingToRedeem(address account)
#   The account has no bond that is not frozen.
# error NothingDue(address account)
#   No money is due to the account.

event Transfer:
    # Bonds moved, began (from zero) or ended (to zero).
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    # A holder lets a spender move so many bonds in all.
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event ForcedTransfer:
    # The registrar moved bonds.
    account: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Frozen:
    # So many bonds of the account are frozen now.
    account: indexed(address)
    amount: uint256

event HolderAdmitted:
    # The registrar admitted an account, or excluded it.
    account: indexed(address)
    isAdmitted: bool

event CouponPaidIn:
    # The issuer paid a coupon for every bond; memo is its reference.
    amountPerUnit: uint256
    units: uint256
    memo: bytes32

event RedemptionPaidIn:
    # The issuer paid par for every bond.
    units: uint256

event Redeemed:
    # Bonds ended and their par is due to the account.
    account: indexed(address)
    units: uint256

event Paid:
    # What was due to an account has been paid.
    account: indexed(address)
    amount: uint256

UNITS_MAX: constant(uint256) = 2**64 - 1  # with coupons and par as bounded, no sum of them leaves a word
COUPON_MAX: constant(uint256) = 2**64 - 1  # minor units for each bond

_name: immutable(String[64])
_symbol: immutable(String[16])
_currency: immutable(address)
_issuer: immutable(address)
_registrar: immutable(address)
_par: immutable(uint128)
_maturity: immutable(uint64)

_supply: uint256
_balances: HashMap[address, uint256]
_allowances: HashMap[address, HashMap[address, uint256]]
_frozen: HashMap[address, uint256]
_is_admitted: HashMap[address, bool]
_paid_per_unit: uint256  # sum of all coupons, minor units for each bond
_counted_per_unit: HashMap[address, uint256]  # the same sum when the account's balance was last counted
_due: HashMap[address, uint256]  # minor units counted for the account and not yet paid
_is_redeemable: bool


@deploy
def __init__(
    name: String[64],
    symbol: String[16],
    currency: address,
    issuer: address,
    registrar: address,
    par: uint128,
    units: uint256,
    maturity: uint64,
):
    """
    @notice Issue all bonds to the issuer, who is admitted as a holder.
    @dev Reverts with InvalidTerms, InvalidHolder, NoTokenHere.
    @param name The bond's name.
    @param symbol Its short name.
    @param currency In which coupons and par are paid.
    @param issuer Who pays them in.
    @param registrar Who admits holders, freezes, and moves bonds.
    @param par Of one bond, in minor units of the currency.
    @param units How many bonds.
    @param maturity First second in which par can be paid in.
    """
    now: uint64 = convert(block.timestamp, uint64)
    are_accounts: bool = issuer != empty(address) and registrar != empty(address)
    if not are_accounts or par == 0 or units == 0 or units > UNITS_MAX or maturity <= now:
        raw_revert(
            abi_encode(
                issuer,
                registrar,
                par,
                units,
                maturity,
                method_id=method_id("InvalidTerms(address,address,uint128,uint256,uint64)"),
            )
        )
    custody._require_token(currency)
    _name = name
    _symbol = symbol
    _currency = currency
    _issuer = issuer
    _registrar = registrar
    _par = par
    _maturity = maturity
    self._admit(issuer, True)
    self._supply = units
    self._balances[issuer] = units
    log Transfer(sender=empty(address), receiver=issuer, value=units)


@external
@view
def name() -> String[64]:
    """
    @notice The bond's name.
    @return Such as "City of Basel 2.5 % 2031".
    """
    return _name


@external
@view
def symbol() -> String[16]:
    """
    @notice The bond's short name.
    @return Such as "BS31".
    """
    return _symbol


@external
@view
def termsOf() -> (address, address, address, uint128, uint64):
    """
    @notice What was fixed at the start.
    @return Currency, issuer, registrar, par of one bond in minor units of the currency, maturity in seconds.
    """
    return _currency, _issuer, _registrar, _par, _maturity


@external
@view
def decimals() -> uint8:
    """
    @notice Bonds are whole.
    @return 0.
    """
    return 0


@external
@view
def totalSupply() -> uint256:
    """
    @notice Bonds that have not been redeemed or retired.
    @return Units.
    """
    return self._supply


@external
@view
def balanceOf(account: address) -> uint256:
    """
    @notice Bonds of an account, frozen ones included.
    @param account Whose.
    @return Units.
    """
    return self._balances[account]


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    """
    @notice How many bonds a spender may still move.
    @param owner Whose bonds.
    @param spender Who moves them.
    @return Units; 2^256 - 1 is without end.
    """
    return self._allowances[owner][spender]


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let a spender move bonds of the caller, replacing what it could.
    @dev Reverts with ERC20InvalidSpender.
    @param spender Who.
    @param amount Units in all.
    @return True.
    """
    if spender == empty(address):
        raw_revert(abi_encode(spender, method_id=method_id("ERC20InvalidSpender(address)")))
    self._allowances[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move bonds of the caller.
    @dev Reverts with ERC20InvalidReceiver, ERC7943CannotSend, ERC7943CannotReceive, ERC20InsufficientBalance,
         ERC7943InsufficientUnfrozenBalance.
    @param to To whom.
    @param amount Units.
    @return True.
    """
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move bonds that their owner allowed the caller to move.
    @dev Reverts as transfer, and with ERC20InsufficientAllowance.
    @param owner Whose bonds.
    @param to To whom.
    @param amount Units.
    @return True.
    """
    allowed: uint256 = self._allowances[owner][msg.sender]
    if allowed < amount:
        raw_revert(
            abi_encode(
                msg.sender, allowed, amount, method_id=method_id("ERC20InsufficientAllowance(address,uint256,uint256)")
            )
        )
    if allowed != max_value(uint256):
        self._allowances[owner][msg.sender] = allowed - amount
    self._transfer(owner, to, amount)
    return True


@external
@view
def canSend(account: address) -> bool:
    """
    @notice Whether an account is admitted (ERC-7943).
    @param account Which.
    @return True if it is.
    """
    return self._is_admitted[account]


@external
@view
def canReceive(account: address) -> bool:
    """
    @notice Whether an account is admitted (ERC-7943).
    @param account Which.
    @return True if it is.
    """
    return self._is_admitted[account]


@external
@view
def canTransfer(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Whether a transfer would pass: both are admitted, and the bonds are there and not frozen (ERC-7943).
    @param owner Whose bonds.
    @param to To whom.
    @param amount Units.
    @return True if it would.
    """
    return self._is_admitted[owner] and self._is_admitted[to] and amount <= self._unfrozen(owner)


@external
@view
def getFrozenTokens(account: address) -> uint256:
    """
    @notice How many bonds of an account are frozen; it may be more than it has (ERC-7943).
    @param account Whose.
    @return Units.
    """
    return self._frozen[account]


@external
def setFrozenTokens(account: address, amount: uint256) -> bool:
    """
    @notice Freeze so many bonds of an account, replacing what was frozen; the registrar's call (ERC-7943).
    @dev Reverts with CallerIsNotRegistrar.
    @param account Whose.
    @param amount Units; 0 for none.
    @return True.
    """
    self._require_registrar()
    self._frozen[account] = amount
    log Frozen(account=account, amount=amount)
    return True


@external
def forcedTransfer(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move bonds without their owner, frozen ones last; the registrar's call (ERC-7943). Coupons due stay due.
    @dev Reverts with CallerIsNotRegistrar, ERC7943CannotReceive, ERC20InsufficientBalance.
    @param owner Whose bonds.
    @param to To whom.
    @param amount Units.
    @return True.
    """
    self._require_registrar()
    self._require_receiver(to)
    self._require_balance(owner, amount)
    left: uint256 = self._balances[owner] - amount
    if self._frozen[owner] > left:
        self._frozen[owner] = left
        log Frozen(account=owner, amount=left)
    self._move(owner, to, amount)
    log ForcedTransfer(account=owner, receiver=to, amount=amount)
    return True


@external
def admit(account: address, isAdmitted: bool):
    """
    @notice Let an account send and receive bonds, or no longer; the registrar's call. Money due to it stays due.
    @dev Reverts with CallerIsNotRegistrar, InvalidHolder.
    @param account Which.
    @param isAdmitted Whether.
    """
    self._require_registrar()
    self._admit(account, isAdmitted)


@external
def payCoupon(amountPerUnit: uint256, memo: bytes32):
    """
    @notice Pay a coupon in for every bond; the issuer's call. It is due to whoever holds the bonds now.
    @dev Reverts with CallerIsNotIssuer, AlreadyRedeemable, InvalidCoupon, NothingOutstanding, TransferRefused,
         AmountChanged, or the currency's own reason.
    @param amountPerUnit Minor units for each bond.
    @param memo The coupon's reference.
    """
    self._require_issuer()
    self._require_not_redeemable()
    if amountPerUnit == 0 or amountPerUnit > COUPON_MAX:
        raw_revert(abi_encode(amountPerUnit, method_id=method_id("InvalidCoupon(uint256)")))
    units: uint256 = self._outstanding()
    self._paid_per_unit += amountPerUnit
    log CouponPaidIn(amountPerUnit=amountPerUnit, units=units, memo=memo)
    custody._take(_currency, msg.sender, amountPerUnit * units)


@external
def payRedemption():
    """
    @notice Pay par in for every bond, from the maturity on; the issuer's call. Bonds are redeemed from then on.
    @dev Reverts with CallerIsNotIssuer, AlreadyRedeemable, NotMature, NothingOutstanding, TransferRefused,
         AmountChanged, or the currency's own reason.
    """
    self._require_issuer()
    self._require_not_redeemable()
    now: uint64 = convert(block.timestamp, uint64)
    if now < _maturity:
        raw_revert(abi_encode(_maturity, now, method_id=method_id("NotMature(uint64,uint64)")))
    units: uint256 = self._outstanding()
    self._is_redeemable = True
    log RedemptionPaidIn(units=units)
    custody._take(_currency, msg.sender, convert(_par, uint256) * units)


@external
def retire(amount: uint256):
    """
    @notice End bonds that the issuer holds itself, before redemption is paid in; the issuer's call.
    @dev Reverts with CallerIsNotIssuer, AlreadyRedeemable, ERC20InsufficientBalance,
         ERC7943InsufficientUnfrozenBalance.
    @param amount Units.
    """
    self._require_issuer()
    self._require_not_redeemable()
    self._require_unfrozen(msg.sender, amount)
    self._end(msg.sender, amount)


@external
def redeem(account: address):
    """
    @notice End all bonds of an account that are not frozen, and pay par and everything else that is due to it. Anybody
            may call this: it pays nobody else.
    @dev Reverts with NotRedeemable, NothingToRedeem, TransferRefused, AmountChanged, or the currency's own reason: the
         bonds stay redeemable then.
    @param account Whose.
    """
    if not self._is_redeemable:
        raw_revert(method_id("NotRedeemable()"))
    units: uint256 = self._unfrozen(account)
    if units == 0:
        raw_revert(abi_encode(account, method_id=method_id("NothingToRedeem(address)")))
    self._end(account, units)
    self._due[account] += convert(_par, uint256) * units
    log Redeemed(account=account, units=units)
    self._pay_due(account)


@external
def collect(account: address):
    """
    @notice Pay an account the coupons that are due to it. Anybody may call this: it pays nobody else.
    @dev Reverts with NothingDue, TransferRefused, AmountChanged, or the currency's own reason: they stay due then.
    @param account Whose.
    """
    self._count(account)
    self._pay_due(account)


@external
@view
def dueTo(account: address) -> uint256:
    """
    @notice The coupons that are due to an account and have not been paid.
    @param account Whose.
    @return Minor units.
    """
    return self._due[account] + self._uncounted(account)


@external
@view
def isRedeemable() -> bool:
    """
    @notice Whether redemption has been paid in.
    @return True if it has.
    """
    return self._is_redeemable


@internal
def _transfer(owner: address, to: address, amount: uint256):
    if to == empty(address):
        raw_revert(abi_encode(to, method_id=method_id("ERC20InvalidReceiver(address)")))
    if not self._is_admitted[owner]:
        raw_revert(abi_encode(owner, method_id=method_id("ERC7943CannotSend(address)")))
    self._require_receiver(to)
    self._require_unfrozen(owner, amount)
    self._move(owner, to, amount)


@internal
def _move(owner: address, to: address, amount: uint256):
    self._count(owner)
    self._count(to)
    self._balances[owner] -= amount
    self._balances[to] += amount
    log Transfer(sender=owner, receiver=to, value=amount)


@internal
def _end(account: address, amount: uint256):
    self._count(account)
    self._balances[account] -= amount
    self._supply -= amount
    log Transfer(sender=account, receiver=empty(address), value=amount)


@internal
def _count(account: address):
    # What the coupons since the last time brought for the balance the account has had since then.
    self._due[account] += self._uncounted(account)
    self._counted_per_unit[account] = self._paid_per_unit


@internal
@view
def _uncounted(account: address) -> uint256:
    return self._balances[account] * (self._paid_per_unit - self._counted_per_unit[account])


@internal
def _pay_due(account: address):
    amount: uint256 = self._due[account]
    if amount == 0:
        raw_revert(abi_encode(account, method_id=method_id("NothingDue(address)")))
    self._due[account] = 0
    log Paid(account=account, amount=amount)
    custody._pay(_currency, account, amount)


@internal
def _admit(account: address, is_admitted: bool):
    if account == empty(address) or account == self:
        raw_revert(abi_encode(account, method_id=method_id("InvalidHolder(address)")))
    self._is_admitted[account] = is_admitted
    log HolderAdmitted(account=account, isAdmitted=is_admitted)


@internal
@view
def _unfrozen(account: address) -> uint256:
    balance: uint256 = self._balances[account]
    return balance - min(balance, self._frozen[account])


@internal
@view
def _outstanding() -> uint256:
    units: uint256 = self._supply
    if units == 0:
        raw_revert(method_id("NothingOutstanding()"))
    return units


@internal
@view
def _require_balance(account: address, amount: uint256):
    balance: uint256 = self._balances[account]
    if balance < amount:
        raw_revert(
            abi_encode(account, balance, amount, method_id=method_id("ERC20InsufficientBalance(address,uint256,uint256)"))
        )


@internal
@view
def _require_unfrozen(account: address, amount: uint256):
    self._require_balance(account, amount)
    unfrozen: uint256 = self._unfrozen(account)
    if unfrozen < amount:
        raw_revert(
            abi_encode(
                account,
                amount,
                unfrozen,
                method_id=method_id("ERC7943InsufficientUnfrozenBalance(address,uint256,uint256)"),
            )
        )


@internal
@view
def _require_receiver(to: address):
    if not self._is_admitted[to]:
        raw_revert(abi_encode(to, method_id=method_id("ERC7943CannotReceive(address)")))


@internal
@view
def _require_registrar():
    if msg.sender != _registrar:
        raw_revert(abi_encode(msg.sender, _registrar, method_id=method_id("CallerIsNotRegistrar(address,address)")))


@internal
@view
def _require_issuer():
    if msg.sender != _issuer:
        raw_revert(abi_encode(msg.sender, _issuer, method_id=method_id("CallerIsNotIssuer(address,address)")))


@internal
@view
def _require_not_redeemable():
    if self._is_redeemable:
        raw_revert(method_id("AlreadyRedeemable()"))
