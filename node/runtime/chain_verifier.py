"""Verifies a stopped node's chain: executes every block again from genesis and trusts nothing that is stored.

Roots are compared by execution itself; certificates are checked signature by signature; every record that execution
determines is compared byte for byte; the supply of each currency is recounted over every account that ever appeared in
a transfer.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from consensus.chain.errors import MalformedBlock
from consensus.chain.genesis import GenesisDocument
from consensus.chain.receipt import Log
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import RlpError
from consensus.primitives.scalars import Address, Epoch, Hash32, Height
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import Kind, MalformedConsensusMessage, SigningDomain, decode_certificate
from contracts.addresses import currency_address, is_currency
from contracts.layout import balance_slot, held_slot, parked_slot
from node.chain.commit import commit_block, commit_genesis
from node.chain.indexes import INDEX_GROUPS, index_height, open_indexes
from node.chain.records import BlockResults, FinalHead
from node.chain.store import ChainStore
from node.execution.errors import InvalidBlock
from node.execution.genesis_state import Genesis
from node.execution.transition import ExecutedBlock, apply_block
from node.observe.chain_report import ChainReport
from node.runtime.epochs import Epochs
from node.runtime.execution_host import context_of, recover_missing
from node.runtime.node_facts import read_supplies
from node.state.reader import FinalState
from node.state.rebuild import rebuild_state_root
from node.storage.errors import StorageError
from node.storage.leveldb import LevelDbStore

TRANSFER_TOPIC = keccak256(b"Transfer(address,address,uint256)")

OWN_RECORDS = (b"f", b"m", b"v")
"""Prefixes of what execution does not determine: the quorums seen, what the node notes of itself, evidence it heard."""

SHOWN_BYTES = 32
"""How much of a record is shown: enough to find what it is, and a body may have megabytes."""


class _Disagreement(Exception):
    """What does not agree; the chain is not followed beyond it."""


class ChainVerifier:
    """One verification of one store."""

    def __init__(self, stored: ChainStore, document: GenesisDocument, genesis: Genesis) -> None:
        self._stored = stored
        self._document = document
        self._genesis = genesis
        self._domain = SigningDomain(document.chain_id, genesis.executed.block.block_hash)
        self._holders: dict[Address, dict[Address, None]] = {}
        self._transactions = 0
        self._certificates = 0
        self._certified_height = 0

    def verify(self, on_progress: Callable[[int, int], None]) -> ChainReport:
        """Execute everything again in a temporary store and report; `on_progress` gets height and last height."""
        last = self._stored.final_head().height
        faults: list[str] = []
        with tempfile.TemporaryDirectory(prefix="sycee-verify-") as folder:
            store = LevelDbStore.open(Path(folder) / "ledger.ldb", create=True)
            try:
                commit_genesis(store, self._genesis.executed, self._genesis.validator_payload)
                kept = [group for group in INDEX_GROUPS if index_height(self._stored.store, group)]
                self._indexes = open_indexes(store, self._document, kept)
                self._epochs = Epochs(ChainStore(store), chain_id=self._document.chain_id)
                self._stored.validate_identity(self._genesis.executed.block.block_hash)
                for height in range(1, last + 1):
                    self._verify_height(store, Height(height))
                    on_progress(height, last)
                if self._certified_height < last:
                    raise _Disagreement(f"height {last}: no finalization covers it")
                self._verify_flat_records(store, last)
                self._verify_head(store, last)
                self._verify_records(store)
            except (_Disagreement, StorageError, MalformedBlock, MalformedConsensusMessage, RlpError) as fault:
                faults.append(str(fault))
            faults.extend(self._verify_supplies(store))
            state = FinalState(store.snapshot())
            verified = ChainStore(store).final_head()
            header = ChainStore(store).header(verified.height)
            assert header is not None
            report = ChainReport(
                height_last=last,
                state_root=header.state_root,
                transactions=self._transactions,
                certificates=self._certificates,
                supplies=read_supplies(state),
                faults=tuple(faults),
            )
            del state
            store.close()
        return report

    def _verify_height(self, store: LevelDbStore, height: Height) -> None:
        block = self._stored.block(height)
        if block is None:
            raise _Disagreement(f"height {height}: header or body is missing")
        parent = ChainStore(store).final_head()
        context = context_of(
            self._epochs.rules, parent.block_hash, parent.height, block.header.view, block.header.timestamp_ms
        )
        try:
            signed = recover_missing(block.transactions, self._document.chain_id)
            executed = apply_block(FinalState(store.snapshot()), context, block.header, signed)
        except InvalidBlock as invalid:
            raise _Disagreement(f"height {height}: {invalid}") from invalid
        self._verify_results(height, executed)
        self._verify_finalization(height, block.block_hash)
        head = FinalHead(height, block.block_hash, block.header.epoch, block.header.view)
        commit_block(store, executed, head, None, self._indexes)
        if executed.last_of_epoch:
            self._verify_epoch_end(store, height, block.block_hash)
        self._transactions += len(executed.receipts)
        for receipt in executed.receipts:
            for log in receipt.logs:
                self._note_holders(log)

    def _verify_epoch_end(self, store: LevelDbStore, height: Height, block_hash: Hash32) -> None:
        """Go on to the next epoch: its set is what execution computed, and what is stored must be the same."""
        if self._certified_height != height:
            raise _Disagreement(f"height {height}: the last block of an epoch has no finalization of its own")
        computed = ChainStore(store).epoch_record(Epoch(self._epochs.epoch + 1))
        if self._stored.epoch_record(Epoch(self._epochs.epoch + 1)) != computed:
            raise _Disagreement(f"height {height}: the stored validator set is not the one execution computed")
        self._epochs.begin(FinalState(store.snapshot()), block_hash)

    def _verify_results(self, height: Height, executed: ExecutedBlock) -> None:
        computed = BlockResults(executed.receipts, executed.senders, executed.revert_outputs)
        if self._stored.results(height) != computed:
            raise _Disagreement(f"height {height}: stored receipts or senders are not those of its transactions")
        for index, transaction_hash in enumerate(executed.transaction_hashes):
            if self._stored.locate(transaction_hash) != (height, index):
                raise _Disagreement(f"height {height}: transaction 0x{transaction_hash.hex()} is indexed elsewhere")

    def _verify_finalization(self, height: Height, block_hash: Hash32) -> None:
        encoded = self._stored.own_finalization(height)
        if encoded is None:
            return
        certificate = decode_certificate(encoded)
        if certificate.statement.kind is not Kind.FINALIZE or certificate.statement.digest != block_hash:
            raise _Disagreement(f"height {height}: the finalization is for 0x{certificate.statement.digest.hex()}")
        try:
            verify_certificate(self._domain, self._epochs.validators, certificate)
        except InvalidCertificate as error:
            raise _Disagreement(f"height {height}: finalization {error}") from error
        self._certificates += 1
        self._certified_height = height

    def _verify_flat_records(self, store: LevelDbStore, last: Height) -> None:
        """Compare the root of the stored flat records with the root just computed."""
        header = ChainStore(store).header(last)
        assert header is not None
        stored_root = rebuild_state_root(self._stored.store)
        if stored_root != header.state_root:
            raise _Disagreement(
                f"height {last}: stored accounts give state root 0x{stored_root.hex()}, "
                f"execution 0x{header.state_root.hex()}"
            )

    def _verify_head(self, store: LevelDbStore, last: Height) -> None:
        """Compare the stored head with the last block: its floor is that block's view, or its finalization's."""
        stored, computed = self._stored.final_head(), ChainStore(store).final_head()
        views = {computed.view}
        encoded = self._stored.own_finalization(last)
        if encoded is not None:
            views.add(decode_certificate(encoded).statement.view)
        if (stored.block_hash, stored.epoch) != (computed.block_hash, computed.epoch) or stored.view not in views:
            raise _Disagreement(
                f"height {last}: the stored head is 0x{stored.block_hash.hex()} of epoch {stored.epoch}, view "
                f"{stored.view}; computed 0x{computed.block_hash.hex()} of epoch {computed.epoch}, view {computed.view}"
            )

    def _verify_records(self, store: LevelDbStore) -> None:
        """Compare every stored record that execution determines; what was pruned is missing, never different."""
        for key, value in self._stored.store.scan(b"", b"\xff"):
            if key.startswith(OWN_RECORDS):
                continue
            computed = store.get(key)
            if computed != value:
                shown = "nothing" if computed is None else f"{len(computed)} bytes 0x{computed[:SHOWN_BYTES].hex()}"
                raise _Disagreement(
                    f"record 0x{key.hex()}: stored {len(value)} bytes 0x{value[:SHOWN_BYTES].hex()}, computed {shown}"
                )

    def _note_holders(self, log: Log) -> None:
        if is_currency(log.address) and len(log.topics) == 3 and log.topics[0] == TRANSFER_TOPIC:
            holders = self._holders.setdefault(log.address, {})
            for topic in log.topics[1:]:
                holders[Address(topic[12:])] = None

    def _verify_supplies(self, store: LevelDbStore) -> list[str]:
        """Recount every currency over all accounts that ever held it."""
        state = FinalState(store.snapshot())
        faults = []
        for index, (supply, currency) in enumerate(
            zip(read_supplies(state), self._document.currencies, strict=False), start=1
        ):
            address = currency_address(index)
            holders = {holder: None for holder, _ in currency.balances} | self._holders.get(address, {})
            counted = count_supply(partial(state.storage, address), holders)
            if counted != supply.supply_minor:
                faults.append(f"{supply.code}: supply is {supply.supply_minor}, what accounts have sums to {counted}")
        return faults


def count_supply(get_slot: Callable[[int], int], holders: Iterable[Address]) -> int:
    """Return what `holders` have of a currency, minor units: in their balances, their open holds and redemptions.

    `get_slot` reads a word of the currency. Of all who ever held it, the sum is the supply. Source: ledger.md §4.
    """
    return sum(get_slot(slot_of(holder)) for holder in holders for slot_of in (balance_slot, held_slot, parked_slot))
