# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title Prepaid
@license Apache-2.0
@notice Stored value with protected funds: what customers paid for their cards is kept for them and reaches merchants as
        they pay; the rest returns to them when a card expires or its programme ends, whatever became of the issuer.
@dev An issuer earns a fee of payments, fixed at the start; it cannot touch what cards hold. A guardian, such as a
     regulator, can end a programme, which refunds every customer, and can do nothing else. Amounts are in the token's
     minor unit, instants in seconds.
"""

import custody

initializes: custody
exports: (custody.owedTo, custody.withdraw)

# error InvalidFee(uint16 feePerMille, uint16 highest)
#   A fee is at most a tenth of a payment.
# error InvalidValidity(uint64 validitySeconds, uint64 longest)
#   A card is valid for a second to three years after it was loaded.
# error InvalidGuardian(address guardian)
#   The guardian is neither zero nor the issuer nor this contract.
# error NoMerchants()
#   Adding adds at least one merchant.
# error InvalidMerchant(address merchant)
#   A merchant is neither zero nor the issuer nor this contract.
# error InvalidCustomer(address customer)
#   A customer is neither zero nor this contract.
# error InvalidAmount(uint256 amount)
#   An amount is at least one minor unit and at most 2^128 - 1.
# error UnknownProgramme(uint256 programmeId)
#   No programme has this number.
# error CallerNotEntitled(address caller)
#   The call is another party's.
# error ProgrammeEnded(uint256 programmeId)
#   The programme has ended: cards are refunded.
# error CardExpired(uint256 programmeId, uint64 expiresAt, uint64 now)
#   The card's last second has passed: what it holds is refunded. A card that expired is loaded once it is empty.
# error CardNotExpired(uint256 programmeId, uint64 expiresAt, uint64 now)
#   The card can still be used.
# error NotForThisMerchant(uint256 programmeId, address merchant)
#   The programme has other merchants.
# error CardTooLow(uint256 programmeId, uint256 amount, uint256 balance)
#   The card holds less.
# error CardEmpty(uint256 programmeId, address customer)
#   There is nothing to refund.

event ProgrammeCreated:
    # An issuer offers cards; memo is its reference.
    programmeId: indexed(uint256)
    issuer: indexed(address)
    guardian: indexed(address)
    token: address
    feePerMille: uint16
    validitySeconds: uint64
    memo: bytes32

event MerchantsAdded:
    # These accept the programme's cards besides.
    programmeId: indexed(uint256)
    merchants: DynArray[address, ROWS_MAX]

event CardLoaded:
    # Somebody paid for value on a customer's card, which is valid up to and including expiresAt.
    programmeId: indexed(uint256)
    customer: indexed(address)
    payer: indexed(address)
    amount: uint256
    expiresAt: uint64

event CardUsed:
    # A customer paid a merchant, who got the amount less the issuer's fee; memo is the payment's reference.
    programmeId: indexed(uint256)
    customer: indexed(address)
    merchant: indexed(address)
    amount: uint256
    fee: uint256
    memo: bytes32

event CardRefunded:
    # What a card held returned to its customer, or is owed to it.
    programmeId: indexed(uint256)
    customer: indexed(address)
    amount: uint256

event ProgrammeClosed:
    # Issuer or guardian ended the programme: cards are refunded, and neither loaded nor used any more.
    programmeId: indexed(uint256)
    party: indexed(address)

struct Programme:
    issuer: address
    guardian: address
    token: address
    feePerMille: uint16
    validitySeconds: uint64
    isEnded: bool

struct Card:
    balance: uint256
    expiresAt: uint64

ROWS_MAX: constant(uint256) = 100  # merchants added by one call: a word each
AMOUNT_MAX: constant(uint256) = 2**128 - 1  # a card loaded 2^128 times stays within a word
FEE_PER_MILLE_MAX: constant(uint16) = 100  # a tenth: more would be no payment instrument
VALIDITY_SECONDS_MAX: constant(uint64) = 3 * 366 * 86_400  # three years: the longest that customers wait for a refund

_programmes: HashMap[uint256, Programme]
_is_merchant: HashMap[uint256, HashMap[address, bool]]
_cards: HashMap[uint256, HashMap[address, Card]]  # programme, customer
_programme_count: uint256


@external
def createProgramme(
    token: address, guardian: address, feePerMille: uint16, validitySeconds: uint64, memo: bytes32
) -> uint256:
    """
    @notice Offer cards; the caller is their issuer. Nothing moves, and nothing of this ever changes.
    @dev Reverts with NoTokenHere, InvalidGuardian, InvalidFee, InvalidValidity.
    @param token What cards hold.
    @param guardian Who can end the programme besides the issuer.
    @param feePerMille The issuer's share of payments, in thousandths, rounded down.
    @param validitySeconds How long a card can be used after it was loaded.
    @param memo The issuer's reference.
    @return Number of the programme.
    """
    custody._require_token(token)
    if guardian == empty(address) or guardian == msg.sender or guardian == self:
        raw_revert(abi_encode(guardian, method_id=method_id("InvalidGuardian(address)")))
    if feePerMille > FEE_PER_MILLE_MAX:
        raw_revert(abi_encode(feePerMille, FEE_PER_MILLE_MAX, method_id=method_id("InvalidFee(uint16,uint16)")))
    if validitySeconds == 0 or validitySeconds > VALIDITY_SECONDS_MAX:
        raw_revert(
            abi_encode(validitySeconds, VALIDITY_SECONDS_MAX, method_id=method_id("InvalidValidity(uint64,uint64)"))
        )
    self._programme_count += 1
    programme_id: uint256 = self._programme_count
    self._programmes[programme_id] = Programme(
        issuer=msg.sender,
        guardian=guardian,
        token=token,
        feePerMille=feePerMille,
        validitySeconds=validitySeconds,
        isEnded=False,
    )
    log ProgrammeCreated(
        programmeId=programme_id,
        issuer=msg.sender,
        guardian=guardian,
        token=token,
        feePerMille=feePerMille,
        validitySeconds=validitySeconds,
        memo=memo,
    )
    return programme_id


@external
def addMerchants(programmeId: uint256, merchants: DynArray[address, ROWS_MAX]):
    """
    @notice Let merchants be paid with the programme's cards; the issuer's call. Merchants are never removed.
    @dev Reverts with UnknownProgramme, ProgrammeEnded, CallerNotEntitled, NoMerchants, InvalidMerchant.
    @param programmeId Number of the programme.
    @param merchants Who.
    """
    programme: Programme = self._running(programmeId)
    if msg.sender != programme.issuer:
        self._refuse_caller()
    if len(merchants) == 0:
        raw_revert(method_id("NoMerchants()"))
    for merchant: address in merchants:
        if merchant == empty(address) or merchant == programme.issuer or merchant == self:
            raw_revert(abi_encode(merchant, method_id=method_id("InvalidMerchant(address)")))
        self._is_merchant[programmeId][merchant] = True
    log MerchantsAdded(programmeId=programmeId, merchants=merchants)


@external
def loadCard(programmeId: uint256, customer: address, amount: uint256):
    """
    @notice Pay for value on a customer's card; anybody's call, usually the customer's or the issuer's that was paid
            otherwise. The contract needs an allowance. An empty card becomes valid anew, and so does a card that its
            own customer loads; what others add to a card that holds money does not prolong it.
    @dev Reverts with UnknownProgramme, ProgrammeEnded, InvalidCustomer, InvalidAmount, CardExpired, TransferRefused,
         AmountChanged, or the token's own reason.
    @param programmeId Number of the programme.
    @param customer Whose card.
    @param amount In minor units.
    """
    programme: Programme = self._running(programmeId)
    if customer == empty(address) or customer == self:
        raw_revert(abi_encode(customer, method_id=method_id("InvalidCustomer(address)")))
    self._require_amount(amount)
    card: Card = self._cards[programmeId][customer]
    if card.balance > 0:
        self._require_valid(programmeId, card)
    # Nobody but the customer prolongs a card that holds money, or an issuer could put its refund off for ever.
    expires_at: uint64 = card.expiresAt
    if card.balance == 0 or msg.sender == customer:
        expires_at = self._now() + programme.validitySeconds
    self._cards[programmeId][customer] = Card(balance=card.balance + amount, expiresAt=expires_at)
    log CardLoaded(
        programmeId=programmeId, customer=customer, payer=msg.sender, amount=amount, expiresAt=expires_at
    )
    custody._take(programme.token, msg.sender, amount)


@external
def pay(programmeId: uint256, merchant: address, amount: uint256, memo: bytes32):
    """
    @notice Pay a merchant with the caller's card.
    @dev Reverts with UnknownProgramme, ProgrammeEnded, InvalidAmount, NotForThisMerchant, CardTooLow, CardExpired,
         AccountMayNotSend, TransferRefused, AmountChanged, or the token's own reason: nothing has been paid then. An
         issuer whom the token refuses is owed its fee.
    @param programmeId Number of the programme.
    @param merchant Whom.
    @param amount In minor units, the fee included.
    @param memo The payment's reference.
    """
    programme: Programme = self._running(programmeId)
    self._require_amount(amount)
    if not self._is_merchant[programmeId][merchant]:
        raw_revert(abi_encode(programmeId, merchant, method_id=method_id("NotForThisMerchant(uint256,address)")))
    card: Card = self._cards[programmeId][msg.sender]
    if amount > card.balance:
        raw_revert(abi_encode(programmeId, amount, card.balance, method_id=method_id("CardTooLow(uint256,uint256,uint256)")))
    self._require_valid(programmeId, card)
    custody._require_may_send(programme.token, msg.sender)
    self._cards[programmeId][msg.sender].balance = card.balance - amount
    # Rounded down: what is cut off stays with the merchant.
    fee: uint256 = amount * convert(programme.feePerMille, uint256) // 1_000
    log CardUsed(
        programmeId=programmeId, customer=msg.sender, merchant=merchant, amount=amount, fee=fee, memo=memo
    )
    custody._pay(programme.token, merchant, amount - fee)
    custody._pay_or_owe(programme.token, programme.issuer, fee)


@external
def refund(programmeId: uint256, customer: address):
    """
    @notice Return what a card holds to its customer, once it has expired or its programme has ended. Anybody may call
            this: it pays nobody else.
    @dev Reverts with UnknownProgramme, CardEmpty, CardNotExpired, AmountChanged.
    @param programmeId Number of the programme.
    @param customer Whose card.
    """
    programme: Programme = self._known(programmeId)
    card: Card = self._cards[programmeId][customer]
    if card.balance == 0:
        raw_revert(abi_encode(programmeId, customer, method_id=method_id("CardEmpty(uint256,address)")))
    now: uint64 = self._now()
    if now <= card.expiresAt and not programme.isEnded:
        raw_revert(
            abi_encode(programmeId, card.expiresAt, now, method_id=method_id("CardNotExpired(uint256,uint64,uint64)"))
        )
    self._cards[programmeId][customer].balance = 0
    log CardRefunded(programmeId=programmeId, customer=customer, amount=card.balance)
    custody._pay_or_owe(programme.token, customer, card.balance)


@external
def endProgramme(programmeId: uint256):
    """
    @notice End a programme for ever, so that all cards are refunded; the issuer's or the guardian's call.
    @dev Reverts with UnknownProgramme, ProgrammeEnded, CallerNotEntitled.
    @param programmeId Number of the programme.
    """
    programme: Programme = self._running(programmeId)
    if msg.sender != programme.issuer and msg.sender != programme.guardian:
        self._refuse_caller()
    self._programmes[programmeId].isEnded = True
    log ProgrammeClosed(programmeId=programmeId, party=msg.sender)


@external
@view
def programmeOf(programmeId: uint256) -> Programme:
    """
    @notice What an issuer offers.
    @dev Reverts with UnknownProgramme.
    @param programmeId Number of the programme.
    @return Issuer, guardian, token, fee, validity, and whether it has ended.
    """
    return self._known(programmeId)


@external
@view
def cardOf(programmeId: uint256, customer: address) -> (uint256, uint64):
    """
    @notice What a card holds.
    @param programmeId Number of the programme.
    @param customer Whose card.
    @return Minor units, and the last second in which they can be used.
    """
    card: Card = self._cards[programmeId][customer]
    return card.balance, card.expiresAt


@external
@view
def isMerchant(programmeId: uint256, account: address) -> bool:
    """
    @notice Whether an account is paid with a programme's cards.
    @param programmeId Number of the programme.
    @param account Which.
    @return True if it is.
    """
    return self._is_merchant[programmeId][account]


@internal
@pure
def _require_amount(amount: uint256):
    if amount == 0 or amount > AMOUNT_MAX:
        raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))


@internal
@view
def _require_valid(programme_id: uint256, card: Card):
    now: uint64 = self._now()
    if now > card.expiresAt:
        raw_revert(
            abi_encode(programme_id, card.expiresAt, now, method_id=method_id("CardExpired(uint256,uint64,uint64)"))
        )


@internal
@view
def _running(programme_id: uint256) -> Programme:
    programme: Programme = self._known(programme_id)
    if programme.isEnded:
        raw_revert(abi_encode(programme_id, method_id=method_id("ProgrammeEnded(uint256)")))
    return programme


@internal
@view
def _known(programme_id: uint256) -> Programme:
    programme: Programme = self._programmes[programme_id]
    if programme.issuer == empty(address):
        raw_revert(abi_encode(programme_id, method_id=method_id("UnknownProgramme(uint256)")))
    return programme


@internal
@view
def _refuse_caller():
    raw_revert(abi_encode(msg.sender, method_id=method_id("CallerNotEntitled(address)")))


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
