"""Views that the stories of the other tests do not ask."""

import pytest
from eth_account.messages import encode_typed_data

from consensus.primitives.hashing import keccak256
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.roles import DEFAULT_ADMIN_ROLE
from tests.contracts.ledger import ADMIN, EUR, JPY, DictionaryContext, Ledger, euro, genesis
from tests.contracts.native.registry import GENESIS_HASH, Registry

ROLES = (
    "ISSUER_ROLE",
    "MINT_CONTROLLER_ROLE",
    "PAUSER_ROLE",
    "UNPAUSER_ROLE",
    "POLICY_ROLE",
    "LIMIT_ROLE",
    "FREEZER_ROLE",
    "ENFORCER_ROLE",
    "ATTESTOR_ROLE",
)


@pytest.mark.parametrize("role", ROLES)
def test_role_is_the_hash_of_its_name(role: str) -> None:
    assert Ledger().read(EUR, role) == bytes(keccak256(role.encode()))


def test_role_of_admins_is_zero() -> None:
    assert Ledger().read(EUR, "DEFAULT_ADMIN_ROLE") == DEFAULT_ADMIN_ROLE == bytes(32)


def test_domain_separator_is_what_wallets_compute_and_differs_by_currency() -> None:
    ledger = Ledger(genesis(euro(), euro(code="JPY", name="Yen", minters=(), balances=(), roles=())))
    domain = {
        "name": "Euro",
        "version": "1",
        "chainId": DictionaryContext.chain_id,
        "verifyingContract": f"0x{EUR.hex()}",
    }
    signable = encode_typed_data(domain, {"Empty": [{"name": "nothing", "type": "uint256"}]}, {"nothing": 0})
    assert ledger.read(EUR, "DOMAIN_SEPARATOR") == bytes(signable.header)
    assert ledger.read(JPY, "DOMAIN_SEPARATOR") != bytes(signable.header)


def test_limits_are_enabled_once_somebody_with_the_role_says_so() -> None:
    ledger = Ledger()
    assert ledger.read(EUR, "limitsEnabled") is False
    assert ledger.call(ADMIN, EUR, "setLimitsEnabled", True).error is not None
    assert ledger.read(EUR, "limitsEnabled") is False
    assert ledger.call(ADMIN, EUR, "grantRole", bytes(keccak256(b"LIMIT_ROLE")), ADMIN).error is None
    assert ledger.call(ADMIN, EUR, "setLimitsEnabled", True).error is None
    assert ledger.read(EUR, "limitsEnabled") is True


def test_registry_tells_the_hash_of_the_first_block() -> None:
    assert Registry().read(VALIDATOR_REGISTRY, "genesisHash") == bytes(GENESIS_HASH)
