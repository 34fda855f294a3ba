"""What the node makes of a genesis document is what the wallet expects of it: validators, header, and state proofs."""

from consensus.chain.header import NO_REQUESTS_HASH
from consensus.light.verify import genesis_set_payload, trust_genesis, verify_account, verify_storage_slot
from contracts.addresses import CURRENCY_REGISTRY
from contracts.layout import CurrencyRegistrySlots, balance_slot, currency_id_slot
from node.execution.genesis_state import build_genesis
from node.state.proof import prove_account
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.consensus.light.builders import START_MS
from tests.wallet_cli.chain import ALICE, BOB, EUR, Chain


def test_wallet_trusts_block_0_of_the_node_and_reads_its_state_by_proof() -> None:
    document = Chain().document
    genesis = build_genesis(document, FinalState(MemoryStore().snapshot()))
    header = genesis.executed.block.header
    assert genesis_set_payload(document) == genesis.validator_payload
    assert header.requests_hash != NO_REQUESTS_HASH
    trusted = trust_genesis(
        chain_id=document.chain_id,
        document_hash=header.previous_randao,
        payload=genesis_set_payload(document),
        header_rlp=genesis.executed.block.header_rlp,
        accepted_ms=START_MS,
    )
    assert trusted.genesis_hash == genesis.executed.block.block_hash
    assert trusted.validators == genesis.validators
    for address, slot, expected in (
        (EUR, balance_slot(ALICE), 10_000),
        (EUR, balance_slot(BOB), 0),
        (CURRENCY_REGISTRY, CurrencyRegistrySlots.COUNT, 2),
        (CURRENCY_REGISTRY, currency_id_slot(b"JPY"), 2),
    ):
        proof = prove_account(genesis.executed.overlay, address, [slot])
        account = verify_account(header.state_root, address, proof.nodes)
        assert account is not None
        assert verify_storage_slot(account.storage_root, slot, proof.slots[0].nodes) == expected
    nobody = prove_account(genesis.executed.overlay, BOB, [])
    assert verify_account(header.state_root, BOB, nobody.nodes) is None
