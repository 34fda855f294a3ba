"""COVERED purses: classes, opening, claims in any order up to each payee's cap, flags, closing; and every refusal."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address
from contracts.abi import AbiValue
from contracts.addresses import OFFLINE_LOCKS
from contracts.native.offline.prices import GAS_CLASS, GAS_CLASS_MEMBER, GAS_P256, GAS_REDEEM
from contracts.offline.device_signatures import P256
from contracts.offline.purse_rules import CLASS_SIZE_MAX
from contracts.offline.typed_data import purse_id
from tests.contracts.ledger import ALICE, CAROL, EUR, account, text
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    CLASS,
    DAY_S,
    INVOICE,
    MEMBERS,
    NOW_S,
    PAYEE,
    PURSE,
    PURSE_ID,
    SECOND,
    SEPARATOR,
    SPEND_UNTIL_S,
    Till,
    hop,
    hop_tuple,
    signed,
    terms_of,
)
from tests.wallet_cli.offline.builders import p256_address

PURSE_TEXT = f"0x{PURSE_ID.hex()}"


def test_a_class_is_created_once_and_costs_by_member(till: Till) -> None:
    outcome = till.does(CAROL, "createClass", MEMBERS)
    assert outcome.values == (CLASS,)
    assert outcome.result.gas_used == GAS_CLASS + 2 * GAS_CLASS_MEMBER
    assert len(outcome.events) == 1
    assert till.ledger.read(OFFLINE_LOCKS, "classSize", CLASS) == 2
    assert till.ledger.read(OFFLINE_LOCKS, "isMember", CLASS, PAYEE) is True
    assert till.ledger.read(OFFLINE_LOCKS, "isMember", CLASS, CAROL) is False
    assert till.does(ALICE, "createClass", MEMBERS).events == []


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ((), f"BadClass(size=0, member={text(ZERO_ADDRESS)})"),
        (
            tuple(account(number) for number in range(1_000, 1_001 + CLASS_SIZE_MAX)),
            f"BadClass(size=501, member={text(ZERO_ADDRESS)})",
        ),
        ((MEMBERS[1], MEMBERS[0]), f"BadClass(size=2, member={text(MEMBERS[0])})"),
        ((MEMBERS[0], MEMBERS[0]), f"BadClass(size=2, member={text(MEMBERS[0])})"),
        ((EUR,), f"BadClass(size=1, member={text(EUR)})"),
    ],
)
def test_what_is_no_class_is_refused(till: Till, members: tuple[Address, ...], error: str) -> None:
    assert till.does(CAROL, "createClass", members).error == error


def test_a_class_has_five_hundred_members_at_most(till: Till) -> None:
    members = tuple(account(number) for number in range(1_000, 1_000 + CLASS_SIZE_MAX))
    contract_gas = GAS_CLASS + CLASS_SIZE_MAX * GAS_CLASS_MEMBER
    assert contract_gas > 1_000_000
    refused = till.does(CAROL, "createClass", members)
    assert refused.error == f"OutOfGas(available={1_000_000 - GAS_CLASS}, needed={contract_gas - GAS_CLASS})"
    assert till.does(CAROL, "createClass", members[:190]).error is None


def test_open_locks_value_and_collateral(till: Till) -> None:
    till.with_purse()
    assert till.money() == (96_000, 0, 0, 4_000)
    assert till.purse_word() == (0, 4_000, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert till.ledger.read(OFFLINE_LOCKS, "openNonceOf", ALICE) == 1
    assert till.ledger.read(OFFLINE_LOCKS, "purseIdOf", terms_of(PURSE)) == PURSE_ID


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"owner": CAROL}, f"NotOwner(caller={text(ALICE)}, owner={text(CAROL)})"),
        ({"currency": CAROL}, f"UnknownCurrency(currency={text(CAROL)})"),
        ({"signer": ZERO_ADDRESS}, f"BadSigner(signer={text(ZERO_ADDRESS)})"),
        ({"sig_alg": 3}, "UnknownSigAlg(sigAlg=3)"),
        ({"open_nonce": 1}, "WrongOpenNonce(expected=0, given=1)"),
        ({"max_hops": 2}, "UnsupportedInThisVersion(field='maxHops')"),
        ({"settle_delay_s": 1}, "UnsupportedInThisVersion(field='settleDelay')"),
        ({"signer_class": 1}, "UnsupportedInThisVersion(field='signerClass')"),
        ({"accept_class": ZERO_HASH}, f"BadClass(size=0, member={text(ZERO_ADDRESS)})"),
        ({"accept_class": PURSE_ID}, f"BadClass(size=0, member={text(ZERO_ADDRESS)})"),
        ({"per_payee": 0}, "ZeroAmount()"),
        ({"per_payee": 3_001}, "AmountTooLarge(amount=3001, highest=3000)"),
        ({"collateral": 999}, "NotCovered(needed=4000, locked=3999)"),
        ({"spend_until_s": NOW_S}, f"SpendUntilPassed(spendUntil={NOW_S}, now={NOW_S})"),
        ({"spend_until_s": CLAIM_UNTIL_S - 3 * DAY_S + 1}, f"GraceTooShort(min={3 * DAY_S})"),
        ({"claim_until_s": NOW_S + 30 * DAY_S + 1}, f"LifeTooLong(max={30 * DAY_S})"),
        (
            {"collateral": 98_000},
            f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=100000, needed=101000)",
        ),
    ],
)
def test_open_refuses_by_name(till: Till, changes: dict[str, Address], error: str) -> None:
    assert till.does(CAROL, "createClass", MEMBERS).error is None
    terms = replace(PURSE, **changes)  # type: ignore[arg-type]  # a table's short form
    assert till.does(ALICE, "openPurse", terms_of(terms)).error == error


@pytest.mark.parametrize("later", ["paused", "denied", "limited", "suspended"])
def test_open_passes_every_check_of_a_payment_on_the_owners_side(till: Till, later: str) -> None:
    assert till.does(CAROL, "createClass", MEMBERS).error is None
    match later:
        case "paused":
            till.paused()
            error = "EnforcedPause()"
        case "denied":
            till.denying(ALICE)
            error = f"PolicyRefusesSender(policyId=2, sender={text(ALICE)})"
        case "limited":
            till.with_limits(out=3_999)
            error = f"DailyOutLimitExceeded(account={text(ALICE)}, tier=255, limit=3999, used=0, amount=4000)"
        case _:
            till.with_limits().suspending(ALICE)
            error = f"AccountSuspended(account={text(ALICE)}, status=2)"
    assert till.does(ALICE, "openPurse", terms_of(PURSE)).error == error


def test_open_ignores_what_is_said_of_payees(till: Till) -> None:
    assert till.denying(*MEMBERS).with_purse().money() == (96_000, 0, 0, 4_000)


def test_a_claim_pays_at_once_and_again_pays_nothing(till: Till) -> None:
    outcome = till.with_purse().claims(hop(0, 700))
    assert outcome.values == (700,)
    assert till.money() == (96_000, 700, 0, 3_300)
    assert till.purse_word()[:2] == (700, 4_000)
    assert till.ledger.read(OFFLINE_LOCKS, "paidTo", PURSE_ID, PAYEE) == 700
    assert outcome.events[-1].startswith(
        f"Claimed(purseId={PURSE_TEXT}, to={text(PAYEE)}, invoice=0x{INVOICE.hex()}, hopDigest="
    )
    assert outcome.events[-1].endswith("lo=0, hi=700, paid=700)")
    assert till.claims(hop(0, 700)).values == (0,)
    assert till.money() == (96_000, 700, 0, 3_300)


def test_a_claim_at_the_payees_cap_pays_what_is_left_of_it_and_never_reverts(till: Till) -> None:
    till.with_purse().claims(hop(0, 1_500))
    assert till.claims(hop(1_500, 2_500)).values == (500,)
    assert till.claims(hop(2_500, 2_600)).values == (0,)
    assert till.balance(PAYEE) == PURSE.per_payee


def test_all_payees_are_paid_to_their_caps_though_every_unit_was_spent_twice(till: Till) -> None:
    till.with_purse()
    assert till.claims(hop(0, 2_000)).values == (2_000,)
    last = till.claims(hop(0, 2_000, SECOND))
    assert last.values == (2_000,)
    assert till.money() == (96_000, 2_000, 2_000, 0)
    assert "Equivocation(" in last.events[-1]
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is True


def test_an_owner_that_spends_all_its_value_is_no_cheat(till: Till) -> None:
    till.with_purse().claims(hop(0, 2_000))
    assert till.claims(hop(2_000, 3_000, SECOND)).error is None
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is False


@pytest.mark.parametrize(
    ("spend", "error"),
    [
        (hop(0, 1, purse=CLASS), f"OtherPurse(expected={PURSE_TEXT}, given=0x{CLASS.hex()})"),
        (
            replace(hop(0, 1), parent=CLASS),
            f"OtherPurse(expected=0x{ZERO_HASH.hex()}, given=0x{CLASS.hex()})",
        ),
        (hop(1, 1), "BadRange(lo=1, hi=1, value=3000)"),
        (hop(0, 3_001), "BadRange(lo=0, hi=3001, value=3000)"),
        (hop(0, 1, CAROL), f"NotInClass(classId=0x{CLASS.hex()}, account={text(CAROL)})"),
    ],
)
def test_claim_refuses_by_name(till: Till, spend: object, error: str) -> None:
    assert till.with_purse().claims(spend).error == error  # type: ignore[arg-type]  # a table's rows


def test_claim_refuses_what_the_device_did_not_sign(till: Till) -> None:
    till.with_purse()
    assert till.claims(hop(0, 1), key="thief").error == f"BadSignature(signer={text(PURSE.signer)})"
    other = till.does(CAROL, "claim", terms_of(PURSE), hop_tuple(hop(0, 2)), signed(hop(0, 1)))
    assert other.error == f"BadSignature(signer={text(PURSE.signer)})"


def test_claim_is_paid_in_the_last_second_and_not_in_the_next(till: Till) -> None:
    till.with_purse()
    assert till.at(CLAIM_UNTIL_S + 1).claims(hop(0, 1)).error == f"ClaimWindowClosed(claimUntil={CLAIM_UNTIL_S})"
    assert till.at(CLAIM_UNTIL_S).claims(hop(0, 1)).values == (1,)


def test_a_p256_device_spends_and_costs_its_signature(till: Till) -> None:
    terms = replace(PURSE, signer=p256_address("device"), sig_alg=P256)
    spend = hop(0, 9, purse=purse_id(SEPARATOR, terms))
    outcome = till.with_purse(terms).claims(spend, terms)
    assert outcome.values == (9,)
    assert outcome.result.gas_used == GAS_REDEEM + GAS_P256


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("claim", (hop_tuple(hop(0, 1)), signed(hop(0, 1)))),
        ("prove", (hop_tuple(hop(0, 1)), signed(hop(0, 1)), hop_tuple(hop(0, 2)), signed(hop(0, 2)))),
        ("flagPurse", ()),
        ("closePurse", ()),
    ],
)
def test_a_purse_that_is_not_there_says_so(till: Till, name: str, values: tuple[AbiValue, ...]) -> None:
    assert till.does(ALICE, name, terms_of(PURSE), *values).error == f"PurseNotFound(purseId={PURSE_TEXT})"


def test_a_flag_warns_and_blocks_no_claim(till: Till) -> None:
    till.with_purse()
    assert till.does(CAROL, "flagPurse", terms_of(PURSE)).error == (
        f"NotOwner(caller={text(CAROL)}, owner={text(ALICE)})"
    )
    assert till.does(ALICE, "flagPurse", terms_of(PURSE)).events == [f"PurseFlagged(purseId={PURSE_TEXT})"]
    assert till.does(ALICE, "flagPurse", terms_of(PURSE)).events == []
    assert till.ledger.read(OFFLINE_LOCKS, "purseFlags", PURSE_ID) == 1
    assert till.does(CAROL, "revocationAt", 0).values == (1, CLAIM_UNTIL_S, PURSE_ID[:8])
    assert till.ledger.read(OFFLINE_LOCKS, "revocationCount") == 1
    assert till.claims(hop(0, 700)).values == (700,)


def test_close_returns_the_rest_and_never_before_its_time(till: Till) -> None:
    till.with_purse().claims(hop(0, 700))
    early = till.at(CLAIM_UNTIL_S).does(CAROL, "closePurse", terms_of(PURSE))
    assert early.error == f"NotYetRefundable(claimUntil={CLAIM_UNTIL_S})"
    outcome = till.at(CLAIM_UNTIL_S + 1).does(CAROL, "closePurse", terms_of(PURSE))
    assert outcome.values == (3_300,)
    assert outcome.events[-1] == f"PurseClosed(purseId={PURSE_TEXT}, returned=3300)"
    assert till.money() == (99_300, 700, 0, 0)
    assert till.purse_word() == (0, 0, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    again = till.does(CAROL, "closePurse", terms_of(PURSE))
    assert again.error == f"PurseNotFound(purseId={PURSE_TEXT})"


def test_close_waits_for_the_end_of_a_pause(till: Till) -> None:
    till.with_purse().paused().at(CLAIM_UNTIL_S + 1)
    assert till.does(CAROL, "closePurse", terms_of(PURSE)).error == "EnforcedPause()"
    assert till.unpaused().does(CAROL, "closePurse", terms_of(PURSE)).values == (4_000,)
