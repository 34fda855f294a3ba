"""A currency, function by function: what it does, then what it refuses with one thing changed."""

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts import addresses
from contracts.abi import AbiValue
from contracts.declarations import encode_call, encode_event
from contracts.decoding import decode_revert
from contracts.layout import UINT256_MAX, CurrencySlots, address_mapping_slot, balance_slot
from contracts.native import currency, money
from contracts.native.directory import run_native
from contracts.native.dispatch import find_function
from contracts.native.roles import DEFAULT_ADMIN_ROLE, ISSUER_ROLE, MINT_CONTROLLER_ROLE, PAUSER_ROLE, UNPAUSER_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    CONTROLLER,
    EUR,
    ISSUER,
    JPY,
    MEMO,
    PAUSER,
    UNPAUSER,
    DictionaryContext,
    Ledger,
    euro,
    genesis,
    text,
)

MEMO_TEXT = f"0x{MEMO.hex()}"


def transfer_text(sender: bytes, to: bytes, amount: int) -> str:
    return f"Transfer(from={text(sender)}, to={text(to)}, value={amount})"


def memo_text(sender: bytes, to: bytes) -> str:
    return f"Memo(from={text(sender)}, to={text(to)}, memo={MEMO_TEXT})"


def unauthorized(account: bytes, role: bytes) -> str:
    return f"AccessControlUnauthorizedAccount(account={text(account)}, neededRole=0x{role.hex()})"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Euro"),
        ("symbol", "EUR"),
        ("decimals", 2),
        ("totalSupply", 105_000),
        ("supplyCap", 1_000_000),
        ("paused", False),
        ("adminCount", 1),
        ("DEFAULT_ADMIN_ROLE", bytes(32)),
        ("ISSUER_ROLE", ISSUER_ROLE),
        ("MINT_CONTROLLER_ROLE", MINT_CONTROLLER_ROLE),
        ("PAUSER_ROLE", PAUSER_ROLE),
        ("UNPAUSER_ROLE", UNPAUSER_ROLE),
    ],
)
def test_facts_of_a_currency(name: str, value: AbiValue) -> None:
    assert Ledger().read(EUR, name) == value


def test_a_long_name_is_read_whole() -> None:
    for name in ("x" * 31, "x" * 32, "x" * 33, "é" * 32):
        assert Ledger(genesis(euro(name=name))).read(EUR, "name") == name


def test_balances_are_per_account_and_per_currency() -> None:
    ledger = Ledger()
    assert ledger.read(EUR, "balanceOf", ALICE) == 100_000
    assert ledger.read(EUR, "balanceOf", BOB) == 0
    assert ledger.read(JPY, "balanceOf", ALICE) == 0


def test_a_position_shows_every_part_of_what_an_account_has() -> None:
    outcome = Ledger().call(CAROL, EUR, "positionOf", ALICE)
    assert outcome.values == (100_000, 0, 0, 0, 100_000)


def test_a_position_reads_the_published_slots_and_spendable_is_never_negative() -> None:
    ledger = Ledger()
    words = ledger.storage[EUR]
    for slot, word in ((CurrencySlots.HELD, 3), (CurrencySlots.FROZEN, 99_999), (CurrencySlots.PARKED, 5)):
        words[address_mapping_slot(ALICE, slot)] = word
    assert ledger.call(CAROL, EUR, "positionOf", ALICE).values == (100_000, 3, 99_999, 5, 1)
    words[address_mapping_slot(ALICE, CurrencySlots.FROZEN)] = 100_001
    assert ledger.call(CAROL, EUR, "positionOf", ALICE).values == (100_000, 3, 100_001, 5, 0)


@pytest.mark.parametrize("interface_id", ["01ffc9a7", "36372b07", "a219a025", "7965db0b"])
def test_published_interfaces_are_supported(interface_id: str) -> None:
    assert Ledger().read(EUR, "supportsInterface", bytes.fromhex(interface_id)) is True


@pytest.mark.parametrize("interface_id", ["ffffffff", "00000000", "80ac58cd"])
def test_other_interfaces_are_not(interface_id: str) -> None:
    assert Ledger().read(EUR, "supportsInterface", bytes.fromhex(interface_id)) is False


def test_a_transfer_moves_the_amount_and_logs_it() -> None:
    ledger = Ledger()
    outcome = ledger.call(ALICE, EUR, "transfer", BOB, 40)
    assert outcome.values == (True,)
    assert outcome.events == [transfer_text(ALICE, BOB, 40)]
    assert (ledger.read(EUR, "balanceOf", ALICE), ledger.read(EUR, "balanceOf", BOB)) == (99_960, 40)


def test_the_whole_balance_moves_and_one_unit_more_does_not() -> None:
    ledger = Ledger()
    assert (
        ledger.call(ALICE, EUR, "transfer", BOB, 100_001).error
        == f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=100000, needed=100001)"
    )
    assert ledger.call(ALICE, EUR, "transfer", BOB, 100_000).error is None
    assert ledger.read(EUR, "balanceOf", ALICE) == 0


def test_nothing_can_be_transferred_by_anybody_and_is_logged() -> None:
    assert Ledger().call(CAROL, EUR, "transfer", BOB, 0).events == [transfer_text(CAROL, BOB, 0)]


def test_a_transfer_to_oneself_moves_nothing_and_is_logged() -> None:
    ledger = Ledger()
    assert ledger.call(ALICE, EUR, "transfer", ALICE, 100_000).events == [transfer_text(ALICE, ALICE, 100_000)]
    assert ledger.read(EUR, "balanceOf", ALICE) == 100_000
    assert "ERC20InsufficientBalance" in str(ledger.call(ALICE, EUR, "transfer", ALICE, 100_001).error)


@pytest.mark.parametrize("to", [ZERO_ADDRESS, EUR, addresses.PROTOCOL_CONFIG, addresses.BATCH])
def test_nobody_receives_at_zero_or_at_a_system_address(to: Address) -> None:
    ledger = Ledger()
    expected = f"ERC20InvalidReceiver(receiver={text(to)})"
    ledger.call(ALICE, EUR, "approve", BOB, 10)
    assert ledger.call(ALICE, EUR, "transfer", to, 1).error == expected
    assert ledger.call(ALICE, EUR, "transferWithMemo", to, 1, MEMO).error == expected
    assert ledger.call(BOB, EUR, "transferFrom", ALICE, to, 1).error == expected
    assert ledger.call(BOB, EUR, "transferFromWithMemo", ALICE, to, 1, MEMO).error == expected
    assert ledger.call(ISSUER, EUR, "mint", to, 1, MEMO).error == expected


def test_the_zero_address_sends_and_approves_nothing() -> None:
    ledger = Ledger()
    zero = text(ZERO_ADDRESS)
    assert ledger.call(ZERO_ADDRESS, EUR, "transfer", BOB, 0).error == f"ERC20InvalidSender(sender={zero})"
    assert ledger.call(BOB, EUR, "transferFrom", ZERO_ADDRESS, BOB, 0).error == f"ERC20InvalidSender(sender={zero})"
    assert ledger.call(ZERO_ADDRESS, EUR, "approve", BOB, 0).error == f"ERC20InvalidApprover(approver={zero})"
    assert ledger.call(ALICE, EUR, "approve", ZERO_ADDRESS, 0).error == f"ERC20InvalidSpender(spender={zero})"


def test_a_memo_is_logged_behind_the_transfer() -> None:
    ledger = Ledger()
    outcome = ledger.call(ALICE, EUR, "transferWithMemo", BOB, 40, MEMO)
    assert outcome.values == (True,)
    assert outcome.events == [transfer_text(ALICE, BOB, 40), memo_text(ALICE, BOB)]
    assert ledger.read(EUR, "balanceOf", BOB) == 40
    assert ledger.call(BOB, EUR, "transferWithMemo", ALICE, 41, MEMO).events == []


def test_an_allowance_is_spent_by_what_is_moved() -> None:
    ledger = Ledger()
    approval = ledger.call(ALICE, EUR, "approve", BOB, 50)
    assert approval.values == (True,)
    assert approval.events == [f"Approval(owner={text(ALICE)}, spender={text(BOB)}, value=50)"]
    outcome = ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 20)
    assert outcome.values == (True,)
    assert outcome.events == [transfer_text(ALICE, CAROL, 20)]
    assert ledger.read(EUR, "allowance", ALICE, BOB) == 30
    assert ledger.read(EUR, "balanceOf", CAROL) == 20
    outcome = ledger.call(BOB, EUR, "transferFromWithMemo", ALICE, CAROL, 30, MEMO)
    assert outcome.events == [transfer_text(ALICE, CAROL, 30), memo_text(ALICE, CAROL)]
    assert (
        ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 1).error
        == f"ERC20InsufficientAllowance(spender={text(BOB)}, allowance=0, needed=1)"
    )


def test_an_allowance_without_end_stays_and_the_next_lower_one_shrinks() -> None:
    ledger = Ledger()
    ledger.call(ALICE, EUR, "approve", BOB, UINT256_MAX)
    ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 1)
    assert ledger.read(EUR, "allowance", ALICE, BOB) == UINT256_MAX
    ledger.call(ALICE, EUR, "approve", BOB, UINT256_MAX - 1)
    ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 1)
    assert ledger.read(EUR, "allowance", ALICE, BOB) == UINT256_MAX - 2


def test_an_allowance_is_no_balance() -> None:
    ledger = Ledger()
    ledger.call(ALICE, EUR, "approve", BOB, UINT256_MAX)
    assert "ERC20InsufficientBalance" in str(ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 100_001).error)


def test_the_owner_too_needs_an_allowance_to_use_transfer_from() -> None:
    assert "ERC20InsufficientAllowance" in str(Ledger().call(ALICE, EUR, "transferFrom", ALICE, BOB, 1).error)


def test_an_allowance_in_one_currency_is_none_in_another() -> None:
    ledger = Ledger()
    ledger.call(ALICE, EUR, "approve", BOB, 50)
    assert ledger.read(JPY, "allowance", ALICE, BOB) == 0
    assert ledger.read(EUR, "allowance", BOB, ALICE) == 0


def test_minting_raises_supply_and_spends_the_minter_allowance() -> None:
    ledger = Ledger()
    outcome = ledger.call(ISSUER, EUR, "mint", BOB, 20_000, MEMO)
    assert outcome.values == ()
    assert outcome.events == [transfer_text(ZERO_ADDRESS, BOB, 20_000), memo_text(ZERO_ADDRESS, BOB)]
    assert ledger.read(EUR, "balanceOf", BOB) == 20_000
    assert ledger.read(EUR, "totalSupply") == 125_000
    assert ledger.read(EUR, "minterAllowance", ISSUER) == 30_000


def test_minting_stops_at_the_minter_allowance() -> None:
    ledger = Ledger()
    assert (
        ledger.call(ISSUER, EUR, "mint", BOB, 50_001, MEMO).error
        == f"MinterAllowanceExceeded(minter={text(ISSUER)}, allowance=50000, needed=50001)"
    )
    assert ledger.call(ISSUER, EUR, "mint", BOB, 50_000, MEMO).error is None


def test_minting_stops_at_the_supply_cap() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "setSupplyCap", 105_010)
    assert (
        ledger.call(ISSUER, EUR, "mint", BOB, 11, MEMO).error
        == "SupplyCapExceeded(cap=105010, supply=105000, amount=11)"
    )
    assert ledger.call(ISSUER, EUR, "mint", BOB, 10, MEMO).error is None


def test_no_allowance_mints_past_two_to_the_128() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "setSupplyCap", 2**128 - 1)
    ledger.call(CONTROLLER, EUR, "setMinterAllowance", ISSUER, UINT256_MAX)
    assert "SupplyCapExceeded" in str(ledger.call(ISSUER, EUR, "mint", BOB, UINT256_MAX, MEMO).error)
    assert ledger.call(ISSUER, EUR, "mint", BOB, 2**128 - 1 - 105_000, MEMO).error is None
    assert ledger.read(EUR, "totalSupply") == 2**128 - 1


def test_only_an_issuer_mints_or_burns() -> None:
    ledger = Ledger()
    ledger.call(CONTROLLER, EUR, "setMinterAllowance", ALICE, 10)
    assert ledger.call(ALICE, EUR, "mint", BOB, 1, MEMO).error == unauthorized(ALICE, ISSUER_ROLE)
    assert ledger.call(ALICE, EUR, "burn", 1, MEMO).error == unauthorized(ALICE, ISSUER_ROLE)


def test_an_issuer_role_without_an_allowance_mints_nothing() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", ISSUER_ROLE, BOB)
    assert "MinterAllowanceExceeded" in str(ledger.call(BOB, EUR, "mint", BOB, 1, MEMO).error)
    assert ledger.call(BOB, EUR, "mint", BOB, 0, MEMO).error is None


def test_burning_lowers_supply_and_stops_at_the_issuers_own_balance() -> None:
    ledger = Ledger()
    assert (
        ledger.call(ISSUER, EUR, "burn", 5_001, MEMO).error
        == f"ERC20InsufficientBalance(sender={text(ISSUER)}, balance=5000, needed=5001)"
    )
    outcome = ledger.call(ISSUER, EUR, "burn", 5_000, MEMO)
    assert outcome.events == [transfer_text(ISSUER, ZERO_ADDRESS, 5_000), memo_text(ISSUER, ZERO_ADDRESS)]
    assert ledger.read(EUR, "totalSupply") == 100_000
    assert ledger.read(EUR, "balanceOf", ISSUER) == 0
    assert ledger.read(EUR, "minterAllowance", ISSUER) == 50_000


def test_a_mint_controller_sets_allowances_and_an_admin_does_not() -> None:
    ledger = Ledger()
    outcome = ledger.call(CONTROLLER, EUR, "setMinterAllowance", BOB, 7)
    assert outcome.events == [f"MinterAllowanceSet(minter={text(BOB)}, allowance=7)"]
    assert ledger.read(EUR, "minterAllowance", BOB) == 7
    error = ledger.call(ADMIN, EUR, "setMinterAllowance", BOB, 8).error
    assert error == unauthorized(ADMIN, MINT_CONTROLLER_ROLE)


def test_the_supply_cap_lies_between_supply_and_two_to_the_128() -> None:
    ledger = Ledger()
    assert ledger.call(ADMIN, EUR, "setSupplyCap", 105_000).events == ["SupplyCapSet(cap=105000)"]
    assert ledger.read(EUR, "supplyCap") == 105_000
    assert ledger.call(ADMIN, EUR, "setSupplyCap", 2**128 - 1).error is None
    for cap in (104_999, 2**128):
        assert (
            ledger.call(ADMIN, EUR, "setSupplyCap", cap).error
            == f"SupplyCapOutOfRange(cap={cap}, lowest=105000, highest={2**128 - 1})"
        )
    error = ledger.call(CONTROLLER, EUR, "setSupplyCap", 105_000).error
    assert error == unauthorized(CONTROLLER, DEFAULT_ADMIN_ROLE)


def test_a_pause_stops_every_movement_of_this_currency_alone() -> None:
    ledger = Ledger()
    ledger.call(ALICE, EUR, "approve", BOB, 10)
    assert ledger.call(PAUSER, EUR, "pause").events == [f"Paused(account={text(PAUSER)})"]
    assert ledger.read(EUR, "paused") is True
    calls: list[tuple[Address, str, tuple[AbiValue, ...]]] = [
        (ALICE, "transfer", (BOB, 1)),
        (ALICE, "transferWithMemo", (BOB, 1, MEMO)),
        (BOB, "transferFrom", (ALICE, CAROL, 1)),
        (BOB, "transferFromWithMemo", (ALICE, CAROL, 1, MEMO)),
        (ISSUER, "mint", (BOB, 1, MEMO)),
        (ISSUER, "burn", (1, MEMO)),
    ]
    for caller, name, values in calls:
        assert ledger.call(caller, EUR, name, *values).error == "EnforcedPause()"
    assert ledger.call(ALICE, EUR, "approve", BOB, 11).error is None
    assert ledger.call(ALICE, JPY, "transfer", BOB, 0).error is None
    assert ledger.call(UNPAUSER, EUR, "unpause").events == [f"Unpaused(account={text(UNPAUSER)})"]
    for caller, name, values in calls:
        assert ledger.call(caller, EUR, name, *values).error is None


def test_pausing_keeps_decimals_and_policy() -> None:
    ledger = Ledger()
    before = ledger.storage[EUR][CurrencySlots.FLAGS]
    ledger.call(PAUSER, EUR, "pause")
    assert ledger.storage[EUR][CurrencySlots.FLAGS] == before | 1 << 8
    ledger.call(UNPAUSER, EUR, "unpause")
    assert ledger.storage[EUR][CurrencySlots.FLAGS] == before


def test_pausing_and_resuming_are_two_roles_and_neither_repeats() -> None:
    ledger = Ledger()
    assert ledger.call(UNPAUSER, EUR, "unpause").error == "ExpectedPause()"
    assert ledger.call(UNPAUSER, EUR, "pause").error == unauthorized(UNPAUSER, PAUSER_ROLE)
    ledger.call(PAUSER, EUR, "pause")
    assert ledger.call(PAUSER, EUR, "pause").error == "EnforcedPause()"
    assert ledger.call(PAUSER, EUR, "unpause").error == unauthorized(PAUSER, UNPAUSER_ROLE)


def test_checks_of_a_transfer_run_in_their_published_order() -> None:
    """Everything is wrong at first; each repair uncovers the next check."""
    ledger = Ledger()
    ledger.call(PAUSER, EUR, "pause")
    sender, to, amount = ZERO_ADDRESS, ZERO_ADDRESS, UINT256_MAX
    assert ledger.call(BOB, EUR, "transferFrom", sender, to, amount).error == "EnforcedPause()"
    ledger.call(UNPAUSER, EUR, "unpause")
    assert "ERC20InvalidSender" in str(ledger.call(BOB, EUR, "transferFrom", sender, to, amount).error)
    sender = ALICE
    assert "ERC20InvalidReceiver" in str(ledger.call(BOB, EUR, "transferFrom", sender, to, amount).error)
    to = CAROL
    assert "ERC20InsufficientAllowance" in str(ledger.call(BOB, EUR, "transferFrom", sender, to, amount).error)
    ledger.call(ALICE, EUR, "approve", BOB, UINT256_MAX)
    assert "ERC20InsufficientBalance" in str(ledger.call(BOB, EUR, "transferFrom", sender, to, amount).error)
    assert ledger.call(BOB, EUR, "transferFrom", sender, to, 100_000).error is None


def test_checks_of_a_mint_run_in_their_published_order() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "setSupplyCap", 105_000)
    ledger.call(PAUSER, EUR, "pause")
    assert ledger.call(BOB, EUR, "mint", ZERO_ADDRESS, 1, MEMO).error == "EnforcedPause()"
    ledger.call(UNPAUSER, EUR, "unpause")
    assert ledger.call(BOB, EUR, "mint", ZERO_ADDRESS, 1, MEMO).error == unauthorized(BOB, ISSUER_ROLE)
    ledger.call(ADMIN, EUR, "grantRole", ISSUER_ROLE, BOB)
    assert "ERC20InvalidReceiver" in str(ledger.call(BOB, EUR, "mint", ZERO_ADDRESS, 1, MEMO).error)
    assert "MinterAllowanceExceeded" in str(ledger.call(BOB, EUR, "mint", BOB, 1, MEMO).error)
    ledger.call(CONTROLLER, EUR, "setMinterAllowance", BOB, 1)
    assert "SupplyCapExceeded" in str(ledger.call(BOB, EUR, "mint", BOB, 1, MEMO).error)
    ledger.call(ADMIN, EUR, "setSupplyCap", 105_001)
    assert ledger.call(BOB, EUR, "mint", BOB, 1, MEMO).error is None


def test_logs_written_out_by_hand_equal_the_declared_events() -> None:
    ledger = Ledger()
    _, logs = ledger.run(ALICE, EUR, calldata("transferWithMemo", BOB, 3, MEMO))
    assert logs == [
        (EUR, *encode_event(money.TRANSFER, ALICE, BOB, 3)),
        (EUR, *encode_event(money.MEMO, ALICE, BOB, MEMO)),
    ]


def test_a_transfer_touches_two_balances_and_nothing_else() -> None:
    ledger = Ledger()
    before = dict(ledger.storage[EUR])
    ledger.run(ALICE, EUR, calldata("transfer", BOB, 3))
    changed = {slot for slot, word in ledger.storage[EUR].items() if before.get(slot) != word}
    assert changed == {balance_slot(ALICE), balance_slot(BOB)}


class RecordingContext(DictionaryContext):
    """Remembers which slots were written, changed or not."""

    def __init__(self, ledger: Ledger, caller: Address) -> None:
        super().__init__(ledger.storage, [], address=EUR, caller=caller, value=0, is_static=False)
        self.written: list[int] = []

    def set_slot(self, slot: int, value: int) -> None:
        self.written.append(slot)
        super().set_slot(slot, value)


@pytest.mark.parametrize(("to", "amount", "writes"), [(BOB, 1, 2), (BOB, 0, 0), (ALICE, 1, 0), (ALICE, 0, 0)])
def test_a_transfer_that_moves_nothing_writes_nothing(to: Address, amount: int, writes: int) -> None:
    context = RecordingContext(Ledger(), ALICE)
    assert run_native(context, calldata("transfer", to, amount), 1_000_000).success
    assert len(context.written) == writes


def test_revert_data_is_the_published_encoding() -> None:
    result, _ = Ledger().run(BOB, EUR, calldata("transfer", ALICE, 7))
    words = bytes(12) + BOB + (0).to_bytes(32, "big") + (7).to_bytes(32, "big")
    assert result.output == bytes.fromhex("e450d38c") + words
    assert decode_revert(result.output) is not None


def calldata(name: str, *values: AbiValue) -> bytes:
    return encode_call(find_function(currency.CURRENCY, name), *values)
