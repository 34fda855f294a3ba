# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title FxDesk
@license Apache-2.0
@notice Exchange of one token for another at a price that a bank has signed: payment versus payment, in one transaction.
@dev Nobody has privileges and the contract never holds money. Amounts are in the tokens' minor units, instants in
     seconds. The customer pays the exact price rounded down, so the remainder, less than one minor unit of each take,
     stays with the customer; a take that would cost nothing is refused.
"""

import custody
import signatures

initializes: signatures
exports: signatures.eip712Domain

# error InvalidQuote()
#   A quote exchanges two different tokens, at a rate of two positive numbers, between a bank and somebody else.
# error QuoteExpired(uint64 validUntil, uint64 now)
#   The quote was valid until an earlier second.
# error QuoteCancelled(address bank, uint256 nonce)
#   The bank has cancelled the quote.
# error QuoteForAnother(address caller, address customer)
#   The quote is for one customer only.
# error AmountTooSmall(uint256 amount, uint256 lowest)
#   The quote is for larger amounts, or the amount is too small to cost anything.
# error AmountTooLarge(uint256 amount, uint256 left)
#   So much is not left of the quote.

event QuoteTaken:
    # The customer paid the bank and got what it bought.
    digest: indexed(bytes32)
    bank: indexed(address)
    customer: indexed(address)
    sold: address
    amount: uint128
    bought: address
    paid: uint256

event QuoteWithdrawn:
    # A bank's quotes with this number cannot be taken any more.
    bank: indexed(address)
    nonce: uint256

event QuotesWithdrawnBelow:
    # A bank's quotes with lower numbers cannot be taken any more.
    bank: indexed(address)
    nonce: uint256

struct Quote:
    bank: address
    customer: address
    sold: address
    bought: address
    rateNumerator: uint128
    rateDenominator: uint128
    amountMin: uint128
    amountMax: uint128
    validUntil: uint64
    nonce: uint256

SIGNATURE_BYTES_MAX: constant(uint256) = 520  # as in signatures

QUOTE_TYPE: constant(bytes32) = keccak256(
    "Quote(address bank,address customer,address sold,address bought,uint128 rateNumerator,uint128 rateDenominator,uint128 amountMin,uint128 amountMax,uint64 validUntil,uint256 nonce)"
)

_taken: HashMap[bytes32, uint256]  # digest: minor units of what the bank sells
_is_withdrawn: HashMap[address, HashMap[uint256, bool]]  # bank, nonce
_nonce_lowest: HashMap[address, uint256]  # bank


@deploy
def __init__():
    """
    @notice Begin empty; the name is part of what is signed.
    """
    signatures.__init__("FxDesk")


@external
def take(quote: Quote, amount: uint128, signature: Bytes[SIGNATURE_BYTES_MAX]) -> uint256:
    """
    @notice Buy an amount at a bank's price; the contract needs allowances of both.
    @dev Reverts with InvalidQuote, QuoteExpired, QuoteForAnother, QuoteCancelled, AmountTooSmall, AmountTooLarge,
         InvalidSignature, NoTokenHere, TransferRefused, AmountChanged, or a token's own reason.
    @param quote What the bank signed. It sells between amountMin and what is left of amountMax of the token sold, and
           gets amount * rateNumerator / rateDenominator of the token bought; a customer of zero is everybody.
    @param amount How much of the token sold the caller takes, in minor units.
    @param signature The bank's.
    @return What the caller paid, in minor units of the token bought.
    """
    self._validate_quote(quote)
    now: uint64 = convert(block.timestamp, uint64)
    if now > quote.validUntil:
        raw_revert(abi_encode(quote.validUntil, now, method_id=method_id("QuoteExpired(uint64,uint64)")))
    if quote.customer != empty(address) and quote.customer != msg.sender:
        raw_revert(abi_encode(msg.sender, quote.customer, method_id=method_id("QuoteForAnother(address,address)")))
    if self._is_withdrawn[quote.bank][quote.nonce] or quote.nonce < self._nonce_lowest[quote.bank]:
        raw_revert(abi_encode(quote.bank, quote.nonce, method_id=method_id("QuoteCancelled(address,uint256)")))
    digest: bytes32 = self._digest_of(quote)
    bought: uint256 = convert(amount, uint256)
    # Rounded down: what is cut off stays with the customer.
    paid: uint256 = bought * convert(quote.rateNumerator, uint256) // convert(quote.rateDenominator, uint256)
    if amount < quote.amountMin or paid == 0:
        raw_revert(
            abi_encode(bought, convert(quote.amountMin, uint256), method_id=method_id("AmountTooSmall(uint256,uint256)"))
        )
    left: uint256 = convert(quote.amountMax, uint256) - self._taken[digest]
    if bought > left:
        raw_revert(abi_encode(bought, left, method_id=method_id("AmountTooLarge(uint256,uint256)")))
    signatures._require_signed(quote.bank, digest, signature)
    self._taken[digest] += bought
    log QuoteTaken(
        digest=digest,
        bank=quote.bank,
        customer=msg.sender,
        sold=quote.sold,
        amount=amount,
        bought=quote.bought,
        paid=paid,
    )
    custody._move(quote.bought, msg.sender, quote.bank, paid)
    custody._move(quote.sold, quote.bank, msg.sender, bought)
    return paid


@external
def cancelQuote(nonce: uint256):
    """
    @notice Cancel the caller's quotes that carry a number, whatever is left of them.
    @param nonce The number.
    """
    self._is_withdrawn[msg.sender][nonce] = True
    log QuoteWithdrawn(bank=msg.sender, nonce=nonce)


@external
def cancelQuotesBelow(nonce: uint256):
    """
    @notice Cancel all of the caller's quotes with lower numbers; a lower limit than before changes nothing.
    @param nonce The lowest number that stays good.
    """
    lowest: uint256 = max(nonce, self._nonce_lowest[msg.sender])
    self._nonce_lowest[msg.sender] = lowest
    log QuotesWithdrawnBelow(bank=msg.sender, nonce=lowest)


@external
@view
def digestOf(quote: Quote) -> bytes32:
    """
    @notice The digest that a bank signs (EIP-712).
    @param quote What it offers.
    @return The digest.
    """
    return self._digest_of(quote)


@external
@view
def leftOf(quote: Quote) -> uint256:
    """
    @notice How much of a quote can still be taken.
    @param quote What the bank offers.
    @return Minor units of the token sold; 0 if it has expired, was cancelled, or offers nothing.
    """
    is_withdrawn: bool = self._is_withdrawn[quote.bank][quote.nonce] or quote.nonce < self._nonce_lowest[quote.bank]
    if is_withdrawn or block.timestamp > convert(quote.validUntil, uint256):
        return 0
    return convert(quote.amountMax, uint256) - self._taken[self._digest_of(quote)]


@internal
@view
def _validate_quote(quote: Quote):
    has_rate: bool = quote.rateNumerator > 0 and quote.rateDenominator > 0
    if not has_rate or quote.sold == quote.bought or quote.bank == msg.sender:
        raw_revert(method_id("InvalidQuote()"))


@internal
@view
def _digest_of(quote: Quote) -> bytes32:
    return signatures._digest(keccak256(abi_encode(QUOTE_TYPE, quote)))
