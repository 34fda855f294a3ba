# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title Mandate
@license Apache-2.0
@notice Standing permission to collect: subscriptions, parking, leave first and pay later, devices that pay by themselves.
@dev Nobody has privileges and the contract never holds money: it moves only what a payer's own mandate lets its collector
     collect, to that collector. Amounts are in the token's minor unit, instants in seconds.
"""

import custody
import months

# error InvalidCollector(address collector)
#   The collector is another account than the payer, neither zero nor this contract.
# error InvalidCaps(uint128 perCollection, uint128 perPeriod)
#   Both are at least one minor unit, and a collection is no more than a period.
# error InvalidPeriod(uint8 unit, uint16 length)
#   A period is so many days (1) or calendar months (2), from one to a thousand.
# error InvalidCatchUp(uint8 periods, uint8 most)
#   At most twelve past periods can be caught up on.
# error InvalidTimes(uint64 start, uint64 end, uint64 now)
#   A mandate starts now (0) or later, and ends after that and within ten years from now.
# error UnknownMandate(uint256 mandateId)
#   No mandate has this number.
# error MandateEnded(uint256 mandateId)
#   Payer or collector has ended it.
# error MandateNotInForce(uint256 mandateId, uint64 start, uint64 end, uint64 now)
#   It starts later, or its last second has passed.
# error CallerNotEntitled(address caller)
#   The call is another party's.
# error CollectionTooLarge(uint256 amount, uint256 most)
#   One collection is capped, and so is the period with what may be caught up on.
# error PeriodOutOfRange(uint256 period, uint256 highest)
#   No mandate has so many periods.
# error NothingCollected()
#   A collection is at least one minor unit.

event MandateGranted:
    # The payer lets the collector collect; memo is the contract's reference.
    mandateId: indexed(uint256)
    payer: indexed(address)
    collector: indexed(address)
    token: address
    terms: Terms
    memo: bytes32

event Collected:
    # The collector was paid, for what memo says.
    mandateId: indexed(uint256)
    payer: indexed(address)
    collector: indexed(address)
    amount: uint256
    memo: bytes32

event MandateRevoked:
    # A party ended the mandate: nothing is collected by it any more.
    mandateId: indexed(uint256)
    party: indexed(address)

struct Terms:
    perCollection: uint128
    perPeriod: uint128
    unit: uint8
    length: uint16
    catchUp: uint8
    start: uint64
    end: uint64

struct Agreement:
    payer: address
    collector: address
    token: address
    terms: Terms
    isEnded: bool

DAYS: constant(uint8) = 1
MONTHS: constant(uint8) = 2
PERIOD_LENGTH_MAX: constant(uint16) = 1_000  # longer than any mandate in months, three years in days
CATCH_UP_MAX: constant(uint8) = 12  # a year of months: more at once would surprise a payer
MANDATE_SECONDS_MAX: constant(uint64) = 10 * 366 * 86_400  # ten years; an instant in milliseconds is refused by it
PERIODS_MAX: constant(uint256) = 4_000  # ten years of days; the arithmetic of months stays far from its limits
DAY_SECONDS: constant(uint256) = 86_400

_agreements: HashMap[uint256, Agreement]
_collected: HashMap[uint256, HashMap[uint256, uint256]]  # mandate, period: minor units
_mandate_count: uint256


@external
def grant(collector: address, token: address, terms: Terms, memo: bytes32) -> uint256:
    """
    @notice Let a collector collect from the caller, whose allowance to this contract it needs each time.
    @dev Reverts with InvalidCollector, NoTokenHere, InvalidCaps, InvalidPeriod, InvalidCatchUp, InvalidTimes.
    @param collector Who collects, and is paid.
    @param token In which token.
    @param terms Caps of one collection and of one period, in minor units; the period's unit (1 days, 2 calendar months)
           and length; how many past periods may be caught up on; the first second (0 for now) and the last.
    @param memo The contract's reference.
    @return Number of the mandate.
    """
    if collector == msg.sender or collector == empty(address) or collector == self:
        raw_revert(abi_encode(collector, method_id=method_id("InvalidCollector(address)")))
    custody._require_token(token)
    now: uint64 = convert(block.timestamp, uint64)
    agreed: Terms = terms
    if agreed.start == 0:
        agreed.start = now
    self._validate_terms(agreed, now)
    self._mandate_count += 1
    mandate_id: uint256 = self._mandate_count
    self._agreements[mandate_id] = Agreement(
        payer=msg.sender, collector=collector, token=token, terms=agreed, isEnded=False
    )
    log MandateGranted(
        mandateId=mandate_id, payer=msg.sender, collector=collector, token=token, terms=agreed, memo=memo
    )
    return mandate_id


@external
def collect(mandateId: uint256, amount: uint256, memo: bytes32):
    """
    @notice Collect from the payer; the collector's call. Counts for the oldest period that may still be caught up on.
    @dev Reverts with UnknownMandate, MandateEnded, CallerNotEntitled, MandateNotInForce, NothingCollected,
         CollectionTooLarge, TransferRefused, AmountChanged, or the token's own reason: nothing has been counted then.
    @param mandateId Number of the mandate.
    @param amount In minor units.
    @param memo What it is for.
    """
    agreement: Agreement = self._running(mandateId)
    self._require_caller(agreement.collector)
    now: uint64 = convert(block.timestamp, uint64)
    if now < agreement.terms.start or now > agreement.terms.end:
        raw_revert(
            abi_encode(
                mandateId,
                agreement.terms.start,
                agreement.terms.end,
                now,
                method_id=method_id("MandateNotInForce(uint256,uint64,uint64,uint64)"),
            )
        )
    if amount == 0:
        raw_revert(method_id("NothingCollected()"))
    period: uint256 = self._period_at(agreement.terms, block.timestamp)
    most: uint256 = min(
        self._collectable(mandateId, agreement.terms, period), convert(agreement.terms.perCollection, uint256)
    )
    if amount > most:
        raw_revert(abi_encode(amount, most, method_id=method_id("CollectionTooLarge(uint256,uint256)")))
    self._count(mandateId, agreement.terms, period, amount)
    log Collected(
        mandateId=mandateId, payer=agreement.payer, collector=agreement.collector, amount=amount, memo=memo
    )
    custody._move(agreement.token, agreement.payer, agreement.collector, amount)


@external
def revoke(mandateId: uint256):
    """
    @notice End a mandate at once; the payer's or the collector's call.
    @dev Reverts with UnknownMandate, MandateEnded, CallerNotEntitled.
    @param mandateId Number of the mandate.
    """
    agreement: Agreement = self._running(mandateId)
    if msg.sender != agreement.payer:
        self._require_caller(agreement.collector)
    self._agreements[mandateId].isEnded = True
    log MandateRevoked(mandateId=mandateId, party=msg.sender)


@external
@view
def mandateOf(mandateId: uint256) -> Agreement:
    """
    @notice What a mandate says.
    @dev Reverts with UnknownMandate.
    @param mandateId Number of the mandate.
    @return Parties, token, terms, and whether a party has ended it.
    """
    return self._known(mandateId)


@external
@view
def collectableOf(mandateId: uint256) -> uint256:
    """
    @notice What the collector may collect now, in one collection; whether the payer has so much is another matter.
    @dev Reverts with UnknownMandate.
    @param mandateId Number of the mandate.
    @return Minor units; 0 while the mandate is not in force.
    """
    agreement: Agreement = self._known(mandateId)
    now: uint64 = convert(block.timestamp, uint64)
    if agreement.isEnded or now < agreement.terms.start or now > agreement.terms.end:
        return 0
    period: uint256 = self._period_at(agreement.terms, block.timestamp)
    return min(self._collectable(mandateId, agreement.terms, period), convert(agreement.terms.perCollection, uint256))


@external
@view
def periodOf(mandateId: uint256, period: uint256) -> (uint256, uint256, uint256):
    """
    @notice When a period begins and ends, and what has been counted for it.
    @dev Reverts with UnknownMandate, PeriodOutOfRange.
    @param mandateId Number of the mandate.
    @param period Counted from 0, at most 4 000.
    @return Its first second, the first second of the next one, and the amount in minor units.
    """
    if period > PERIODS_MAX:
        raw_revert(abi_encode(period, PERIODS_MAX, method_id=method_id("PeriodOutOfRange(uint256,uint256)")))
    terms: Terms = self._known(mandateId).terms
    return self._begin_of(terms, period), self._begin_of(terms, period + 1), self._collected[mandateId][period]


@internal
@pure
def _validate_terms(terms: Terms, now: uint64):
    if terms.perCollection == 0 or terms.perPeriod < terms.perCollection:
        raw_revert(
            abi_encode(terms.perCollection, terms.perPeriod, method_id=method_id("InvalidCaps(uint128,uint128)"))
        )
    is_unit: bool = terms.unit == DAYS or terms.unit == MONTHS
    if not is_unit or terms.length == 0 or terms.length > PERIOD_LENGTH_MAX:
        raw_revert(abi_encode(terms.unit, terms.length, method_id=method_id("InvalidPeriod(uint8,uint16)")))
    if terms.catchUp > CATCH_UP_MAX:
        raw_revert(abi_encode(terms.catchUp, CATCH_UP_MAX, method_id=method_id("InvalidCatchUp(uint8,uint8)")))
    if terms.start < now or terms.end < terms.start or terms.end > now + MANDATE_SECONDS_MAX:
        raw_revert(abi_encode(terms.start, terms.end, now, method_id=method_id("InvalidTimes(uint64,uint64,uint64)")))


@internal
@pure
def _period_at(terms: Terms, instant: uint256) -> uint256:
    # The number of the period an instant is in; what the divisions cut off is the part of it that has passed.
    start: uint256 = convert(terms.start, uint256)
    length: uint256 = convert(terms.length, uint256)
    if terms.unit == DAYS:
        return (instant - start) // (length * DAY_SECONDS)
    return months._months_between(start, instant) // length


@internal
@pure
def _begin_of(terms: Terms, period: uint256) -> uint256:
    start: uint256 = convert(terms.start, uint256)
    units: uint256 = period * convert(terms.length, uint256)
    if terms.unit == DAYS:
        return start + units * DAY_SECONDS
    return months._add_months(start, units)


@internal
@pure
def _first_open(terms: Terms, period: uint256) -> uint256:
    # The oldest period that may be caught up on.
    catch_up: uint256 = convert(terms.catchUp, uint256)
    return period - min(period, catch_up)


@internal
@view
def _collectable(mandate_id: uint256, terms: Terms, period: uint256) -> uint256:
    first: uint256 = self._first_open(terms, period)
    total: uint256 = 0
    for offset: uint256 in range(period - first + 1, bound=13):
        total += convert(terms.perPeriod, uint256) - self._collected[mandate_id][first + offset]
    return total


@internal
def _count(mandate_id: uint256, terms: Terms, period: uint256, amount: uint256):
    # The oldest open period first.
    first: uint256 = self._first_open(terms, period)
    left: uint256 = amount
    for offset: uint256 in range(period - first + 1, bound=13):
        counted: uint256 = self._collected[mandate_id][first + offset]
        share: uint256 = min(left, convert(terms.perPeriod, uint256) - counted)
        if share > 0:
            self._collected[mandate_id][first + offset] = counted + share
            left -= share


@internal
@view
def _running(mandate_id: uint256) -> Agreement:
    agreement: Agreement = self._known(mandate_id)
    if agreement.isEnded:
        raw_revert(abi_encode(mandate_id, method_id=method_id("MandateEnded(uint256)")))
    return agreement


@internal
@view
def _known(mandate_id: uint256) -> Agreement:
    agreement: Agreement = self._agreements[mandate_id]
    if agreement.payer == empty(address):
        raw_revert(abi_encode(mandate_id, method_id=method_id("UnknownMandate(uint256)")))
    return agreement


@internal
@view
def _require_caller(party: address):
    if msg.sender != party:
        raw_revert(abi_encode(msg.sender, method_id=method_id("CallerNotEntitled(address)")))
