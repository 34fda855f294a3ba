"""A network to be governed: alice is governor and has every role of EUR; a node that runs the ledger's own code."""

from typing import Any

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import (
    ACCOUNT_REGISTRY,
    CURRENCY_REGISTRY,
    POLICY_REGISTRY,
    PROTOCOL_CONFIG,
    VALIDATOR_REGISTRY,
)
from contracts.declarations import decoder_of, encode_call
from contracts.decoding import describe_revert
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ValidatorRegistrySlots
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from contracts.native.roles import ROLE_NAMES
from tests.contracts.native.registry import GENESIS_HASH, holder, operator
from tests.wallet_cli.chain import ALICE, BOB, EUR, JPY, Chain, run_call
from tests.wallet_cli.twin import Node

ISSUING_ADMIN = Address(b"\x0a" * 20)
"""Admin of both currencies in the genesis of the wallet's tests."""
FIRST_GOVERNOR = Address(b"\x0f" * 20)
CAROL = Address(b"\xca" * 20)
"""An account of nobody in the wallet."""
DAVE = Address(b"\xda" * 20)
"""An account that is suspended."""
LISTED, OFFERED = 2, 3
"""A deny-list of alice, and an allow-list that bob offered her."""
PARAMETERS = (
    400,
    300,
    301,
    100,
    10_000,
    3_600,
    2_097_152,
    500,
    10_001,
    100_000_000,
    1_000_000,
    2_000_000,
    259_200,
    2_592_000,
    600_000_000,
)


def call(chain: Chain, caller: Address, to: Address, name: str, *values: AbiValue) -> None:
    """Run a call on the head's storage; it becomes part of the next block's state."""
    contract = lookup(to)
    assert contract is not None
    data = encode_call(find_function(contract, name), *values)
    now_s = chain.head.header.timestamp_ms // 1_000
    result, _ = run_call(chain.head.storage, caller, to, data, timestamp_s=now_s)
    assert result.success, f"{name}: {describe_revert(result.output)}"


def governed_chain() -> Chain:
    """Return a chain on which alice may do everything, bob has 100.00 EUR, and one of everything exists."""
    chain = Chain()
    call(chain, FIRST_GOVERNOR, PROTOCOL_CONFIG, "beginGovernorTransfer", ALICE)
    call(chain, ALICE, PROTOCOL_CONFIG, "acceptGovernorTransfer")
    call(chain, ALICE, PROTOCOL_CONFIG, "beginGovernorTransfer", BOB)
    for slot, value in zip(PROTOCOL_PARAMETER_SLOTS.values(), PARAMETERS, strict=True):
        chain.head.storage[PROTOCOL_CONFIG][slot] = value
    for role in ROLE_NAMES.values():
        call(chain, ISSUING_ADMIN, EUR, "grantRole", role, ALICE)
    call(chain, ISSUING_ADMIN, EUR, "setSupplyCap", 100_000_000)
    call(chain, ISSUING_ADMIN, JPY, "grantRole", ROLE_NAMES["PAUSER_ROLE"], ALICE)
    call(chain, ISSUING_ADMIN, JPY, "grantRole", ROLE_NAMES["UNPAUSER_ROLE"], ALICE)
    call(chain, ISSUING_ADMIN, JPY, "beginAdminTransfer", ALICE)
    call(chain, ALICE, JPY, "pause")
    call(chain, ALICE, EUR, "setMinterAllowance", ALICE, 5_000_000)
    call(chain, ALICE, EUR, "mint", BOB, 10_000, bytes(32))
    call(chain, ALICE, POLICY_REGISTRY, "createPolicy", 2, ALICE)
    call(chain, ALICE, ACCOUNT_REGISTRY, "registerBank", ALICE, "Bank A", "BANKDEFF", 30_000_000)
    call(chain, ALICE, ACCOUNT_REGISTRY, "registerAccount", BOB, 1)
    call(chain, ALICE, ACCOUNT_REGISTRY, "registerAccount", DAVE, 1)
    call(chain, ALICE, ACCOUNT_REGISTRY, "suspend", DAVE, b"CASE-9".ljust(32, b"\0"))
    call(chain, BOB, POLICY_REGISTRY, "createPolicy", 1, BOB)
    call(chain, BOB, POLICY_REGISTRY, "beginPolicyAdminTransfer", OFFERED, ALICE)
    chain.head.storage[VALIDATOR_REGISTRY][ValidatorRegistrySlots.GENESIS_HASH] = int.from_bytes(GENESIS_HASH, "big")
    applicant = holder(20)
    call(
        chain, operator(20), VALIDATOR_REGISTRY, "requestJoin", "bank-20", *applicant.keys.each(), ["10.0.0.20:30300"],
        *applicant.proofs(operator(20)),
    )  # fmt: skip
    call(chain, ALICE, VALIDATOR_REGISTRY, "suspend", chain.document.validators[2].operator)
    call(chain, BOB, EUR, "requestRedemption", 1_000, b"OUT-1".ljust(32, b"\0"))
    chain.add_block()
    chain.add_block()
    return chain


class LedgerNode(Node):
    """A node that lists the currencies the ledger has, and answers views for tests."""

    def _sycee_getCurrencies(self) -> object:
        (count,) = self.view(CURRENCY_REGISTRY, "currencyCount")
        assert isinstance(count, int)
        listed: list[dict[str, Any]] = []
        for index in range(count):
            (place,) = self.view(CURRENCY_REGISTRY, "currencyAt", index)
            assert isinstance(place, bytes)
            facts = [self.view(Address(place), name)[0] for name in ("symbol", "name", "decimals")]
            listed.append(
                {"id": index + 1, "address": "0x" + place.hex()} | dict(zip(("code", "name", "decimals"), facts))
            )
        return listed

    def view(self, to: Address, name: str, *values: AbiValue) -> tuple[AbiValue, ...]:
        """Return what a view answers on the newest state."""
        contract = lookup(to)
        assert contract is not None
        declared = find_function(contract, name)
        request = {"to": "0x" + to.hex(), "data": "0x" + encode_call(declared, *values).hex()}
        return tuple(decoder_of(declared.results)(bytes.fromhex(self._eth_call(request, "latest")[2:]), 0))
