"""Policies: who creates and changes them, whom they admit, and what a currency does with them."""

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.abi import AbiValue
from contracts.addresses import POLICY_REGISTRY
from contracts.native.roles import POLICY_ROLE
from tests.contracts.ledger import ADMIN, ALICE, BOB, CAROL, EUR, ISSUER, JPY, MEMO, Ledger, Outcome, account, text

ALLOW, DENY, COMPOUND = 1, 2, 3
FIRST = 2


def policies(ledger: Ledger, function: str, *values: AbiValue) -> Outcome:
    return ledger.call(ADMIN, POLICY_REGISTRY, function, *values)


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger with policy 2, an allow-list, and 3, a deny-list, and EUR's POLICY_ROLE with the admin."""
    made = Ledger()
    for kind in (ALLOW, DENY):
        assert policies(made, "createPolicy", kind, ADMIN).error is None
    for currency in (EUR, JPY):
        assert made.call(ADMIN, currency, "grantRole", POLICY_ROLE, ADMIN).error is None
    return made


def use(ledger: Ledger, policy_id: int) -> None:
    assert ledger.call(ADMIN, EUR, "setTransferPolicyId", policy_id).error is None


def test_policy_0_rejects_and_1_admits_everybody_and_nobody_changes_them(ledger: Ledger) -> None:
    assert [ledger.read(POLICY_REGISTRY, "isAuthorized", policy_id, ALICE) for policy_id in (0, 1)] == [False, True]
    for policy_id in (0, 1):
        assert policies(ledger, "modify", policy_id, [ALICE], True).error == f"ImmutablePolicy(policyId={policy_id})"


def test_a_created_policy_has_the_next_id_its_kind_and_its_admin(ledger: Ledger) -> None:
    outcome = policies(ledger, "createPolicy", DENY, BOB)
    assert outcome.values == (4,)
    assert outcome.events == [f"PolicyCreated(policyId=4, kind=2, admin={text(BOB)})"]
    assert policies(ledger, "policyOf", 4).values == (DENY, BOB, ZERO_ADDRESS)
    assert ledger.read(POLICY_REGISTRY, "policyCount") == 5
    assert policies(ledger, "policyOf", 5).error == "UnknownPolicy(policyId=5)"


@pytest.mark.parametrize("kind", [0, COMPOUND, 4])
def test_only_the_two_kinds_of_list_are_created(ledger: Ledger, kind: int) -> None:
    assert policies(ledger, "createPolicy", kind, ADMIN).error == f"InvalidPolicyKind(kind={kind})"


def test_a_policy_needs_an_admin_that_can_call(ledger: Ledger) -> None:
    assert "InvalidRoleAccount" in str(policies(ledger, "createPolicy", ALLOW, ZERO_ADDRESS).error)


def test_an_allow_list_admits_who_is_listed_and_a_deny_list_who_is_not(ledger: Ledger) -> None:
    for policy_id, is_authorized in ((2, True), (3, False)):
        assert ledger.read(POLICY_REGISTRY, "isAuthorized", policy_id, ALICE) is not is_authorized
        outcome = policies(ledger, "modify", policy_id, [ALICE, ALICE], True)
        assert outcome.events == [f"PolicyListed(policyId={policy_id}, account={text(ALICE)}, listed=true)"]
        assert ledger.read(POLICY_REGISTRY, "isAuthorized", policy_id, ALICE) is is_authorized
        assert policies(ledger, "modify", policy_id, [ALICE], False).error is None
        assert ledger.read(POLICY_REGISTRY, "isAuthorized", policy_id, ALICE) is not is_authorized


def test_a_list_is_changed_by_its_admin_only(ledger: Ledger) -> None:
    error = ledger.call(ALICE, POLICY_REGISTRY, "modify", 2, [ALICE], True).error
    assert error == f"PolicyAdminOnly(policyId=2, caller={text(ALICE)}, admin={text(ADMIN)})"
    assert policies(ledger, "modify", 9, [ALICE], True).error == "UnknownPolicy(policyId=9)"


def test_five_hundred_accounts_change_at_once_and_one_more_does_not(ledger: Ledger) -> None:
    many = [account(1_000 + number) for number in range(501)]
    outcome = policies(ledger, "modify", 2, many[:500], True)
    assert (len(outcome.events), outcome.result.gas_used, outcome.result.work) == (500, 515_000, 12_550)
    assert policies(ledger, "modify", 2, many, True).error == "TooManyAccounts(count=501, highest=500)"


def test_a_policy_is_handed_over_in_two_steps(ledger: Ledger) -> None:
    assert policies(ledger, "beginPolicyAdminTransfer", 2, BOB).error is None
    assert policies(ledger, "policyOf", 2).values == (ALLOW, ADMIN, BOB)
    error = ledger.call(CAROL, POLICY_REGISTRY, "acceptPolicyAdminTransfer", 2).error
    assert error == f"NoPolicyAdminTransfer(policyId=2, account={text(CAROL)})"
    assert ledger.call(BOB, POLICY_REGISTRY, "acceptPolicyAdminTransfer", 2).error is None
    assert policies(ledger, "policyOf", 2).values == (ALLOW, BOB, ZERO_ADDRESS)
    assert "PolicyAdminOnly" in str(policies(ledger, "modify", 2, [ALICE], True).error)
    assert ledger.call(BOB, POLICY_REGISTRY, "modify", 2, [ALICE], True).error is None


def test_a_compound_asks_another_policy_for_each_side_and_never_changes(ledger: Ledger) -> None:
    assert policies(ledger, "createCompoundPolicy", 1, 2, 0).values == (4,)
    assert policies(ledger, "compoundPolicyOf", 4).values == (1, 2, 0)
    names = ("isAuthorizedSender", "isAuthorizedRecipient", "isAuthorizedMintRecipient", "isAuthorized")
    assert [ledger.read(POLICY_REGISTRY, name, 4, ALICE) for name in names] == [True, False, False, False]
    policies(ledger, "modify", 2, [ALICE], True)
    assert [ledger.read(POLICY_REGISTRY, name, 4, ALICE) for name in names] == [True, True, False, True]
    assert policies(ledger, "modify", 4, [ALICE], True).error == "ImmutablePolicy(policyId=4)"
    assert policies(ledger, "compoundPolicyOf", 2).error == "InvalidPolicyKind(kind=1)"


def test_a_compound_names_policies_that_exist_and_no_compound(ledger: Ledger) -> None:
    policies(ledger, "createCompoundPolicy", 1, 1, 1)
    assert policies(ledger, "createCompoundPolicy", 1, 4, 1).error == "NestedCompound(policyId=4)"
    assert policies(ledger, "createCompoundPolicy", 1, 1, 5).error == "UnknownPolicy(policyId=5)"


def test_a_transfer_asks_the_policy_of_the_sender_then_of_the_recipient(ledger: Ledger) -> None:
    use(ledger, 2)
    refused = f"PolicyRefusesSender(policyId=2, sender={text(ALICE)})"
    assert ledger.call(ALICE, EUR, "transfer", BOB, 1).error == refused
    policies(ledger, "modify", 2, [ALICE], True)
    refused = f"PolicyRefusesRecipient(policyId=2, recipient={text(BOB)})"
    assert ledger.call(ALICE, EUR, "transfer", BOB, 1).error == refused
    # The policy comes before allowance and balance.
    assert ledger.call(CAROL, EUR, "transferFrom", ALICE, BOB, 10**9).error == refused
    policies(ledger, "modify", 2, [BOB], True)
    assert ledger.call(ALICE, EUR, "transfer", BOB, 1).error is None


def test_minting_asks_the_mint_side_of_a_compound(ledger: Ledger) -> None:
    policies(ledger, "createCompoundPolicy", 0, 0, 2)
    use(ledger, 4)
    refused = f"PolicyRefusesRecipient(policyId=4, recipient={text(BOB)})"
    assert ledger.call(ISSUER, EUR, "mint", BOB, 1, MEMO).error == refused
    policies(ledger, "modify", 2, [BOB], True)
    assert ledger.call(ISSUER, EUR, "mint", BOB, 1, MEMO).error is None
    assert "PolicyRefusesSender" in str(ledger.call(ALICE, EUR, "transfer", BOB, 1).error)


def test_a_currency_takes_an_existing_policy_from_who_has_the_role(ledger: Ledger) -> None:
    assert ledger.read(EUR, "transferPolicyId") == 1
    outcome = ledger.call(ADMIN, EUR, "setTransferPolicyId", 3)
    assert outcome.events == ["TransferPolicySet(previousPolicyId=1, policyId=3)"]
    assert ledger.read(EUR, "transferPolicyId") == 3
    assert ledger.read(EUR, "decimals") == 2
    assert ledger.call(ADMIN, EUR, "setTransferPolicyId", 4).error == "UnknownPolicy(policyId=4)"
    assert "AccessControlUnauthorizedAccount" in str(ledger.call(ALICE, EUR, "setTransferPolicyId", 1).error)


def test_a_currency_without_minor_unit_that_rejects_everybody_still_exists(ledger: Ledger) -> None:
    assert ledger.call(ADMIN, JPY, "setTransferPolicyId", 0).error is None
    assert ledger.read(JPY, "symbol") == "JPY"
    assert "PolicyRefusesSender" in str(ledger.call(ALICE, JPY, "transfer", BOB, 0).error)
    assert ledger.call(ADMIN, JPY, "setTransferPolicyId", 1).error is None
    assert ledger.call(ALICE, JPY, "transfer", BOB, 0).error is None
