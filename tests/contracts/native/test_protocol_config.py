"""Parameters and the governor: what may be set, and that it waits for the next epoch."""

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from consensus.simplex.parameters import BOUNDS, Parameters
from contracts.addresses import CURRENCY_REGISTRY, PROTOCOL_CONFIG
from contracts.native.protocol_config import LIMIT_BOUNDS, view_name
from tests.contracts.ledger import ALICE, BOB, EUR, GOVERNOR, text
from tests.contracts.native.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return Registry()


def set_parameter(registry: Registry, name: str, value: int) -> str | None:
    return registry.call(GOVERNOR, PROTOCOL_CONFIG, "setParameter", name, value).error


def test_value_is_scheduled_now_and_in_force_with_the_next_epoch(registry: Registry) -> None:
    outcome = registry.call(GOVERNOR, PROTOCOL_CONFIG, "setParameter", "block_gas_limit", 200_000_000)
    assert outcome.events == ["ParameterScheduled(name='block_gas_limit', inForce=100000000, scheduled=200000000)"]
    assert registry.parameter("block_gas_limit") == (100_000_000, 200_000_000)
    assert registry.read(PROTOCOL_CONFIG, "blockGasLimit") == 100_000_000
    registry.end_epoch()
    assert registry.parameter("block_gas_limit") == (200_000_000, 200_000_000)
    assert registry.read(PROTOCOL_CONFIG, "blockGasLimit") == 200_000_000


def test_setting_the_value_in_force_withdraws_what_was_scheduled(registry: Registry) -> None:
    set_parameter(registry, "block_gas_limit", 200_000_000)
    set_parameter(registry, "block_gas_limit", 100_000_000)
    assert registry.parameter("block_gas_limit") == (100_000_000, 100_000_000)
    registry.end_epoch()
    assert registry.read(PROTOCOL_CONFIG, "blockGasLimit") == 100_000_000


@pytest.mark.parametrize("name", [*BOUNDS, *LIMIT_BOUNDS])
def test_bounds_hold_on_both_sides(registry: Registry, name: str) -> None:
    lowest, highest = {**BOUNDS, **LIMIT_BOUNDS}[name]
    for value in (lowest, highest):
        # Long budgets need a long heartbeat, and a short heartbeat short budgets.
        registry = Registry()
        if value == highest and name != "empty_block_interval_ms":
            assert set_parameter(registry, "empty_block_interval_ms", 600_000) is None
        if value == lowest and name == "empty_block_interval_ms":
            for other in ("network_delta_ms", "build_budget_ms", "block_interval_min_ms"):
                assert set_parameter(registry, other, BOUNDS[other][0]) is None
        assert set_parameter(registry, name, value) is None
        registry.end_epoch()
        assert registry.read(PROTOCOL_CONFIG, view_name(name)) == value
    for value in (lowest - 1, highest + 1, 2**256 - 1):
        refused = f"ParameterOutOfRange(name='{name}', value={value}, lowest={lowest}, highest={highest})"
        assert set_parameter(registry, name, value) == refused


def test_values_that_do_not_fit_each_other_are_refused_together_with_what_is_scheduled(registry: Registry) -> None:
    # Leader time-out is interval + build budget + 2 delta; the heartbeat takes at least four of them.
    assert set_parameter(registry, "network_delta_ms", 1_050) is None
    error = set_parameter(registry, "build_budget_ms", 301)
    assert error == "ParameterOutOfRange(name='empty_block_interval_ms', value=10000, lowest=10004, highest=600000)"
    assert set_parameter(registry, "empty_block_interval_ms", 10_004) is None
    assert set_parameter(registry, "build_budget_ms", 301) is None
    registry.end_epoch()
    Parameters(**{name: registry.parameter(name)[0] for name in BOUNDS})  # type: ignore[arg-type]  # words of uint256


def test_parameters_are_set_by_the_governor_and_by_name(registry: Registry) -> None:
    outcome = registry.call(ALICE, PROTOCOL_CONFIG, "setParameter", "tx_work_max", 60_000)
    assert outcome.error == f"GovernorOnly(caller={text(ALICE)}, governor={text(GOVERNOR)})"
    assert set_parameter(registry, "txWorkMax", 60_000) == "UnknownParameter(name='txWorkMax')"
    assert registry.call(ALICE, PROTOCOL_CONFIG, "parameterOf", "nothing").error == "UnknownParameter(name='nothing')"


def test_governor_hands_over_in_two_steps(registry: Registry) -> None:
    outcome = registry.call(GOVERNOR, PROTOCOL_CONFIG, "beginGovernorTransfer", ALICE)
    assert outcome.events == [f"GovernorTransferBegun(currentGovernor={text(GOVERNOR)}, newGovernor={text(ALICE)})"]
    assert registry.read(PROTOCOL_CONFIG, "governorOffered") == ALICE
    assert registry.read(PROTOCOL_CONFIG, "governor") == GOVERNOR
    assert registry.call(BOB, PROTOCOL_CONFIG, "acceptGovernorTransfer").error == (
        f"NoGovernorTransfer(account={text(BOB)})"
    )
    outcome = registry.call(ALICE, PROTOCOL_CONFIG, "acceptGovernorTransfer")
    assert outcome.events == [f"GovernorTransferred(previousGovernor={text(GOVERNOR)}, newGovernor={text(ALICE)})"]
    assert registry.read(PROTOCOL_CONFIG, "governor") == ALICE
    assert registry.read(PROTOCOL_CONFIG, "governorOffered") == ZERO_ADDRESS
    assert registry.call(ALICE, CURRENCY_REGISTRY, "createCurrency", "USD", "Dollar", 2, ALICE).error is None
    error = registry.call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "GBP", "Pound", 2, ALICE).error
    assert error == f"GovernorOnly(caller={text(GOVERNOR)}, governor={text(ALICE)})"


def test_offer_is_made_by_the_governor_to_somebody_who_can_call_and_can_be_withdrawn(registry: Registry) -> None:
    def begin(caller: Address, successor: bytes) -> str | None:
        return registry.call(caller, PROTOCOL_CONFIG, "beginGovernorTransfer", successor).error

    assert str(begin(ALICE, BOB)).startswith("GovernorOnly")
    for nobody in (EUR, GOVERNOR):
        assert begin(GOVERNOR, nobody) == f"InvalidRoleAccount(account={text(nobody)})"
    begin(GOVERNOR, ALICE)
    assert begin(GOVERNOR, ZERO_ADDRESS) is None
    assert str(registry.call(ALICE, PROTOCOL_CONFIG, "acceptGovernorTransfer").error).startswith("NoGovernorTransfer")


def test_the_account_mode_is_open_or_registered_and_the_governors_to_set(registry: Registry) -> None:
    assert registry.read(PROTOCOL_CONFIG, "accountMode") == 0
    for mode, previous in ((1, 0), (0, 1)):
        outcome = registry.call(GOVERNOR, PROTOCOL_CONFIG, "setAccountMode", mode)
        assert outcome.events == [f"AccountModeSet(previousMode={previous}, mode={mode})"]
        assert registry.read(PROTOCOL_CONFIG, "accountMode") == mode
    error = registry.call(GOVERNOR, PROTOCOL_CONFIG, "setAccountMode", 2).error
    assert error == "ParameterOutOfRange(name='account_mode', value=2, lowest=0, highest=1)"
    assert str(registry.call(ALICE, PROTOCOL_CONFIG, "setAccountMode", 1).error).startswith("GovernorOnly")
