"""Banks, accounts, policies and tiers from the command line."""

import shlex
from pathlib import Path

import pytest

from contracts.addresses import POLICY_REGISTRY
from contracts.native.policies import MODIFY_ACCOUNTS_MAX
from tests.wallet_cli.admin.conftest import Office
from tests.wallet_cli.admin.world import CAROL, LISTED
from tests.wallet_cli.chain import ALICE, BOB, EUR
from wallet_cli.addresses import checksum_address

CAROL_TEXT = checksum_address(CAROL)


def test_registered_bank_is_listed_and_sponsors_accounts(office: Office) -> None:
    assert office.run("admin", "bank", "register", "bob2", "Bank B", "BANKFRPP", "30M", "--yes").exit_code == 2
    made = office.run("admin", "bank", "register", CAROL_TEXT, "Bank C", "BANKFRPPXXX", "30M", "--yes")
    assert made.exit_code == 0, made.output
    assert "banks: 1 → 2" in made.stderr
    listed = office.json("admin", "bank", "list")["data"]
    assert [(row["name"], row["BIC"], row["quota"]) for row in listed] == [
        ("Bank A", "BANKDEFF", "30 000 000"),
        ("Bank C", "BANKFRPPXXX", "30 000 000"),
    ]


def test_an_address_without_a_checksum_is_pointed_out(office: Office) -> None:
    plain = office.run("admin", "account", "register", f"0x{CAROL.hex()}", "--tier", "1", "--dry-run")
    assert "typed without a checksum" in plain.stderr
    mixed = office.run("admin", "account", "register", CAROL_TEXT, "--tier", "1", "--dry-run")
    assert "typed without a checksum" not in mixed.stderr


def test_update_of_a_bank_shows_old_and_new(office: Office) -> None:
    result = office.run("admin", "bank", "update", "alice", "Bank Alpha", "BANKDEFF", "60M", "--yes")
    shown = [" ".join(line.split()) for line in result.stderr.splitlines()]
    assert "changes name: Bank A → Bank Alpha" in shown
    assert "keeps BIC: BANKDEFF already" in shown
    assert "changes quota: 30 000 000 → 60 000 000" in shown
    assert office.json("admin", "bank", "show", "alice")["data"]["name"] == "Bank Alpha"


def test_account_goes_from_unknown_to_registered_to_suspended_and_back(office: Office) -> None:
    def status() -> str:
        return str(office.json("admin", "account", "show", CAROL_TEXT)["data"]["status"])

    assert status() == "not registered"
    assert office.run("admin", "account", "register", CAROL_TEXT, "--tier", "1", "--yes").exit_code == 0
    assert status() == "active"
    assert office.run("admin", "account", "suspend", CAROL_TEXT, "--reason", "CASE-1", "--yes").exit_code == 0
    assert status() == "suspended by the governor"
    assert office.run("admin", "account", "reinstate", CAROL_TEXT, "--yes").exit_code == 0
    assert office.run("admin", "account", "tier", CAROL_TEXT, "3", "--yes").exit_code == 0
    assert office.run("admin", "account", "permissions", CAROL_TEXT, "send,deploy", "--yes").exit_code == 0
    shown = office.json("admin", "account", "show", CAROL_TEXT)["data"]
    assert (shown["tier"], shown["permissions"], shown["bank"]) == ("3", "send,deploy", "Bank A, BANKDEFF")


REFUSED = [
    ("admin account register bob --tier 1", 8, "AccountRegisteredAlready"),
    ("admin account tier bob unregistered", 8, "InvalidTier"),
    ("admin account reinstate bob", 8, "AccountNotSuspended"),
    ("admin account tier bob 2 --from bob", 8, "SponsorOnly"),
    ("admin bank register bob 'Bank B' BANKFRPP 1M --from bob", 8, "GovernorOnly"),
    ("admin bank update bob 'Bank B' BANKFRPP 1M", 8, "UnknownBank"),
    ("admin policy add 2 bob --from bob", 8, "PolicyAdminOnly"),
    ("admin policy add everybody bob", 8, "ImmutablePolicy"),
    ("admin policy accept 2", 8, "NoPolicyAdminTransfer"),
    ("admin policy create compound", 8, "InvalidPolicyKind"),
    ("admin tier set EUR institution --balance '1 EUR'", 8, "UnlimitedTier"),
    ("admin bank register bob 'Bank B' bankfrpp 1M", 2, None),
    ("admin account permissions bob fly", 2, None),
    ("admin account permissions bob send,send", 2, None),
    ("admin account tier bob 256", 2, None),
    ("admin account register bob", 2, None),
    ("admin policy add 2", 2, None),
    ("admin policy add 2 bob bob", 2, None),
    ("admin policy add 2 --file nowhere.txt", 2, None),
    ("admin bank show bob", 2, None),
    ("admin policy show 9", 2, None),
    ("admin policy check 9 bob", 2, None),
]


@pytest.mark.parametrize(("command", "exit_code", "reason"), REFUSED)
def test_refusals_name_their_reason_and_sign_nothing(
    office: Office, command: str, exit_code: int, reason: str | None
) -> None:
    error = office.json(*shlex.split(command), "--yes", exit_code=exit_code)["error"]
    assert error.get("reason") == reason
    assert error["next"]
    assert office.node.sent() == []


def test_list_takes_accounts_and_files_and_shows_who_was_there(office: Office, tmp_path: Path) -> None:
    names = tmp_path / "customers.txt"
    names.write_text(f"# customers of September\n{CAROL_TEXT}  # by letter\n\n")
    result = office.run("admin", "policy", "add", str(LISTED), "bob", "--file", str(names), "--yes")
    assert result.exit_code == 0, result.output
    assert f"{CAROL_TEXT} listed: no → yes" in result.stderr
    assert office.node.view(POLICY_REGISTRY, "isAuthorized", LISTED, CAROL) == (False,)
    checked = office.json("admin", "policy", "check", str(LISTED), "bob")["data"]
    assert (checked["may_pay"], checked["may_be_paid"], checked["may_get_new_money"]) == ("no", "no", "no")
    assert "already" in office.run("admin", "policy", "add", str(LISTED), "bob", "--dry-run").stderr
    assert office.run("admin", "policy", "remove", str(LISTED), "bob", "--yes").exit_code == 0
    assert office.node.view(POLICY_REGISTRY, "isAuthorized", LISTED, BOB) == (True,)


def test_more_accounts_than_one_call_takes_are_several_transactions(office: Office, tmp_path: Path) -> None:
    count = MODIFY_ACCOUNTS_MAX + 1
    names = tmp_path / "many.txt"
    names.write_text("".join(f"0x{number:040x}\n" for number in range(1, count + 1)))
    answer = office.json("admin", "policy", "add", str(LISTED), "--file", str(names), "--yes")
    first, second = answer["data"]["actions"]
    assert (first["arguments"]["accounts"], second["arguments"]["accounts"]) == ("500", "1")
    assert len(first["events"]) == MODIFY_ACCOUNTS_MAX
    assert len(office.node.sent()) == 2
    last = count.to_bytes(20, "big")
    assert office.node.view(POLICY_REGISTRY, "isAuthorized", LISTED, last) == (False,)


def test_policy_of_a_currency_is_created_handed_over_and_chosen(office: Office) -> None:
    assert office.run("admin", "policy", "create", "allow", "--yes").exit_code == 0
    shown = office.json("admin", "policy", "show", "4")["data"]
    assert (shown["kind"], shown["admin"]) == ("allow", f"alice {checksum_address(ALICE)}")
    assert office.run("admin", "policy", "begin-handover", "4", "bob", "--yes").exit_code == 0
    assert office.run("admin", "policy", "accept", "4", "--yes", "--from", "bob").exit_code == 0
    assert office.json("admin", "policy", "show", "4")["data"]["admin"] == f"bob {checksum_address(BOB)}"
    compound = ("--sender", "4", "--recipient", "everybody", "--mint-recipient", "nobody")
    assert office.run("admin", "policy", "compound", *compound, "--yes").exit_code == 0
    shown = office.json("admin", "policy", "show", "5")["data"]
    assert (shown["sender"], shown["recipient"], shown["mint_recipient"]) == ("4", "1 (everybody)", "0 (nobody)")
    assert office.run("admin", "currency", "policy", "EUR", "5", "--yes").exit_code == 0
    assert office.json("admin", "currency", "show", "EUR")["data"]["transfer_policy"] == "5"


def test_limits_of_a_tier_are_set_all_four_at_once(office: Office) -> None:
    result = office.run("admin", "tier", "set", "EUR", "1", "--per-transfer", "50 EUR", "--daily-in", "1 EUR", "--yes")
    assert result.exit_code == 0, result.output
    assert office.node.view(EUR, "tierLimitsOf", 1) == (5_000, 0, 100, 0)
    shown = office.json("admin", "tier", "show", "EUR", "1")["data"]
    assert shown == {
        "tier": "1",
        "limits_apply": "no",
        "per_transfer": "50.00 EUR",
        "daily_out": "none",
        "daily_in": "1.00 EUR",
        "balance": "none",
    }
    assert office.run("admin", "currency", "limits", "on", "EUR", "--yes").exit_code == 0
    assert office.json("admin", "tier", "show", "EUR", "1")["data"]["limits_apply"] == "yes"
    assert office.json("admin", "tier", "show", "EUR", "institution")["data"]["limits_apply"] == "no"
