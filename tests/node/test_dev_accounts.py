"""The development accounts are those every developer's tool derives from the public mnemonic."""

from eth_account import Account

from consensus.primitives.signatures import address_of_private_key
from node.dev_accounts import (
    ALICE,
    BOB,
    CAROL,
    DEV_MNEMONIC,
    DEV_PRIVATE_KEYS,
    GOVERNOR,
    ISSUER,
    checksum_address,
    derived_account,
    derived_private_key,
)


def test_the_ten_keys_are_those_of_the_mnemonic() -> None:
    Account.enable_unaudited_hdwallet_features()

    for index, key in enumerate(DEV_PRIVATE_KEYS):
        derived = Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
        assert bytes(derived.key) == key
        assert checksum_address(address_of_private_key(key)) == derived.address


def test_no_two_roles_share_an_account() -> None:
    accounts = (ALICE, BOB, CAROL, ISSUER, GOVERNOR)

    assert len({account.address for account in accounts}) == len(accounts)


def test_derived_keys_depend_on_the_whole_label_and_on_nothing_else() -> None:
    assert derived_private_key("bank/ZYECHKH0") == derived_private_key("bank/ZYECHKH0")
    assert derived_private_key("bank/ZYECHKH0") != derived_private_key("bank/ZYECHKH1")
    assert derived_account("bank/ZYECHKH0").address == address_of_private_key(derived_private_key("bank/ZYECHKH0"))
