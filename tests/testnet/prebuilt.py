"""A long chain on disk in a minute: real blocks, executed, signed by a quorum and committed, without the time between.

What a node finds there is what a network would have left; only the waiting is missing. For measuring how a node that is
far behind catches up, never for tests of consensus.
"""

import shutil
from collections.abc import Callable, Sequence

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisDocument
from consensus.chain.transaction import decode_transaction, sign_dynamic_fee_transaction
from consensus.primitives.scalars import Height, TimestampMs, ValidatorIndex, View
from consensus.simplex.certificates import assemble_certificate
from consensus.simplex.messages import Kind, SigningDomain, Statement, encode_certificate, sign_bytes
from node.app import load_genesis
from node.chain.commit import commit_block, commit_genesis
from node.chain.records import FinalHead
from node.chain.store import ChainStore
from node.cli.currency_calls import GAS_LIMIT, encode_transfer
from node.dev_accounts import ALICE, BOB
from node.execution.transition import BlockExecution, ExecutedBlock, SignedTransaction
from node.home import NodeHome
from node.runtime.epochs import Epochs
from node.runtime.execution_host import context_of
from node.state.reader import FinalState
from node.storage.leveldb import LevelDbStore
from node.validator.keys import KeyPurpose, load_key, read_passphrase
from tests.testnet.load import CURRENCY

LEDGER_NAME = "ledger.ldb"
BLOCK_TIME_MS = 1
"""Between two blocks: the chain must end before the present, and building one takes longer than this."""


def build_chain(
    homes: Sequence[NodeHome], *, blocks: int, payments_per_block: int, on_progress: Callable[[int], None]
) -> None:
    """Write one chain of `blocks` heights into every home of `homes`: a quorum or more, none of which has run."""
    document, genesis = load_genesis(homes[0])
    store = LevelDbStore.open(homes[0].data_folder / LEDGER_NAME, create=True)
    try:
        commit_genesis(store, genesis.executed, genesis.validator_payload)
        epochs = Epochs(ChainStore(store), chain_id=document.chain_id)
        domain = SigningDomain(document.chain_id, genesis.executed.block.block_hash)
        signers = [_signer(home) for home in homes]
        view = View(0)
        for height in range(1, blocks + 1):
            view = View(view + 1)
            timestamp_ms = TimestampMs(document.timestamp_ms + BLOCK_TIME_MS * height)
            executed = _execute(store, epochs, view, timestamp_ms, document, payments_per_block)
            block_hash = executed.block.block_hash
            statement = Statement(Kind.FINALIZE, epochs.epoch, view, View(view - 1), block_hash)
            finalization = _finalize(epochs, domain, signers, statement)
            commit_block(store, executed, FinalHead(Height(height), block_hash, epochs.epoch, view), finalization)
            if executed.last_of_epoch:
                epochs.begin(FinalState(store.snapshot()), block_hash)
                view = View(0)
            on_progress(height)
    finally:
        store.close()
    for home in homes[1:]:
        shutil.copytree(homes[0].data_folder / LEDGER_NAME, home.data_folder / LEDGER_NAME)


def _execute(
    store: LevelDbStore, epochs: Epochs, view: View, timestamp_ms: TimestampMs, document: GenesisDocument, payments: int
) -> ExecutedBlock:
    head = ChainStore(store).final_head()
    context = context_of(epochs.rules, head.block_hash, head.height, view, timestamp_ms)
    execution = BlockExecution(FinalState(store.snapshot()), context)
    for place in range(payments):
        raw = sign_dynamic_fee_transaction(
            ALICE.private_key,
            chain_id=document.chain_id,
            nonce=head.height * payments + place,
            gas_limit=GAS_LIMIT,
            to=CURRENCY,
            data=encode_transfer(BOB.address, 1, bytes(32)),
        )
        assert execution.apply(SignedTransaction(decode_transaction(raw), ALICE.address)).succeeded
    return execution.seal()


def _finalize(epochs: Epochs, domain: SigningDomain, signers: Sequence[SigningKey], statement: Statement) -> bytes:
    message = sign_bytes(domain, statement)
    signatures: dict[ValidatorIndex, bytes] = {}
    for signer in signers:
        index = epochs.validators.index_of(bytes(signer.verify_key))
        assert index is not None
        signatures[index] = signer.sign(message).signature
    return encode_certificate(assemble_certificate(epochs.validators, statement, signatures))


def _signer(home: NodeHome) -> SigningKey:
    key = load_key(home.keys_folder, KeyPurpose.CONSENSUS, read_passphrase(home.passphrase_file))
    return SigningKey(key.private_key)
