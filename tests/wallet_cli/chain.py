"""A ledger for wallet tests: real blocks, real signatures, real Merkle proofs; a few lines instead of a node.

System contracts run as they do in a node; whatever else is asked for succeeds and does nothing.
State proofs come from the `trie` package.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisCurrency, GenesisDocument, encode_genesis
from consensus.chain.header import NO_REQUESTS_HASH, Header, block_hash_of, encode_header
from consensus.chain.merkle import ordered_list_proof, ordered_list_root
from consensus.chain.receipt import Log, Receipt, bloom_bytes, bloom_of, encode_receipt
from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.rlp_codec import encode, uint_to_bytes
from consensus.primitives.scalars import Address, Epoch, Hash32
from consensus.primitives.signatures import address_of_private_key
from consensus.simplex.messages import SigningDomain
from consensus.simplex.validators import encode_set_payload, next_set_requests_hash
from contracts.addresses import currency_address
from contracts.layout import PROTOCOL_PARAMETER_SLOTS
from contracts.native.directory import lookup, run_native
from contracts.native.dispatch import NativeResult
from contracts.native.epoch_end import GenesisMember
from contracts.native.genesis import AccountAmount, CurrencyGenesis, LedgerGenesis, build_genesis_storage
from contracts.native.protocol_config import ProtocolParameters
from contracts.validator_keys import ValidatorKeys
from tests.consensus.light.builders import (
    CHAIN_ID,
    KEYS,
    certificate_of,
    child_of,
    genesis_header_of,
    make_document,
    validator_of,
)
from tests.consensus.light.tries import Trie
from tests.contracts.ledger import DictionaryContext, without_zeros

ALICE_KEY, BOB_KEY = keccak256(b"alice"), keccak256(b"bob")
ALICE, BOB = address_of_private_key(ALICE_KEY), address_of_private_key(BOB_KEY)
EUR, JPY = currency_address(1), currency_address(2)
Storage = dict[Address, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Block:
    """A block with everything a node would serve about it."""

    header: Header
    header_rlp: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[bytes, ...]
    finalization: bytes
    storage: Storage
    nonces: dict[Address, int]

    @property
    def hash(self) -> Hash32:
        return block_hash_of(self.header_rlp)


def attestation_key_of(key: SigningKey) -> SigningKey:
    """Return the key that the validator with a consensus key attests with."""
    return SigningKey(sha256(b"attestation" + bytes(key)))


def _document() -> GenesisDocument:
    admin = Address(b"\x0a" * 20)
    balances = ((ALICE, 10_000),)
    made = make_document()
    return replace(
        made,
        validators=tuple(
            replace(entry, attestation_key=bytes(attestation_key_of(key).verify_key))
            for entry, key in zip(made.validators, KEYS, strict=True)
        ),
        currencies=(
            GenesisCurrency("EUR", "Euro", 2, admin, 0, (), balances),
            GenesisCurrency("JPY", "Yen", 0, admin, 0, (), ()),
        ),
    )


def _genesis_storage(document: GenesisDocument) -> Storage:
    return build_genesis_storage(
        LedgerGenesis(
            governor=document.governor,
            parameters=replace(
                ProtocolParameters(*([1] * len(PROTOCOL_PARAMETER_SLOTS))), offline_life_max_s=30 * 24 * 3_600
            ),
            currencies=tuple(
                CurrencyGenesis(
                    entry.code,
                    entry.name,
                    entry.decimals,
                    entry.admin,
                    balances=tuple(AccountAmount(account, amount) for account, amount in entry.balances),
                )
                for entry in document.currencies
            ),
            validators=tuple(
                GenesisMember(
                    name=entry.name,
                    operator=entry.operator,
                    keys=ValidatorKeys(entry.consensus_key, entry.tls_key, entry.attestation_key),
                    endpoints=entry.endpoints,
                )
                for entry in document.validators
            ),
        )
    )


@lru_cache(maxsize=256)
def _trie_of(entries: tuple[tuple[bytes, bytes], ...]) -> Trie:
    """Return the trie of `entries`; kept, because most proofs are of states that were proven before."""
    return Trie({keccak256(key): value for key, value in entries})


def _storage_trie(words: dict[int, int]) -> Trie:
    return _trie_of(tuple((slot.to_bytes(32, "big"), encode(uint_to_bytes(word))) for slot, word in words.items()))


def _state_trie(storage: Storage, nonces: dict[Address, int]) -> Trie:
    leaves: list[tuple[bytes, bytes]] = []
    for address in {**storage, **nonces}:
        root = _storage_trie(storage.get(address, {})).root
        leaves.append((address, encode([uint_to_bytes(nonces.get(address, 0)), b"", root, keccak256(b"")])))
    return _trie_of(tuple(leaves))


class Chain:
    """The ledger; `signers` can be changed to make blocks that are not final."""

    def __init__(self) -> None:
        self.document = _document()
        storage = _genesis_storage(self.document)
        genesis = genesis_header_of(self.document, _state_trie(storage, {}).root)
        rlp = encode_header(genesis)
        self.domain = SigningDomain(CHAIN_ID, block_hash_of(rlp))
        self.blocks = [Block(genesis, rlp, (), (), b"", storage, {})]
        self.handoffs: list[dict[str, object]] = []
        self.keys: Sequence[SigningKey] = KEYS

    def fork(self) -> "Chain":
        """Return a chain that goes its own way from here: nothing done to one changes the other."""
        twin = copy.copy(self)
        twin.handoffs = list(self.handoffs)
        twin.blocks = [replace(block, storage=copy.deepcopy(block.storage)) for block in self.blocks]
        return twin

    @property
    def document_text(self) -> bytes:
        return encode_genesis(self.document)

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def add_block(self, transactions: Sequence[bytes] = ()) -> Block:
        """Execute, finalize and append."""
        block = self.make_block(transactions)
        self.blocks.append(block)
        return block

    def end_epoch(self, keys: Sequence[SigningKey]) -> None:
        """Append the last block of the epoch, which hands over to the validators with `keys`."""
        epoch = Epoch(self.head.header.epoch + 1)
        validators = [
            replace(validator_of(key), attestation_key=bytes(attestation_key_of(key).verify_key)) for key in keys
        ]
        payload = encode_set_payload(epoch, validators)
        block = self.make_block(requests_hash=next_set_requests_hash(payload))
        self.blocks.append(block)
        self.keys = keys
        self.handoffs.append(
            {
                "epoch": block.header.epoch,
                "height": block.header.height,
                "hash": _hex(block.hash),
                "header": _hex(block.header_rlp),
                "validators": _hex(payload),
                "finalization": _hex(block.finalization),
            }
        )

    def make_block(
        self,
        transactions: Sequence[bytes] = (),
        *,
        step_ms: int = 1_000,
        gas_used: int = 0,
        requests_hash: Hash32 = NO_REQUESTS_HASH,
    ) -> Block:
        """Return the next final block without appending it."""
        storage, nonces = copy.deepcopy(self.head.storage), dict(self.head.nonces)
        timestamp_s = (self.head.header.timestamp_ms + step_ms) // 1_000
        receipts = tuple(
            _execute(storage, nonces, raw, 30_000 * (at + 1), timestamp_s) for at, raw in enumerate(transactions)
        )
        encoded = [encode_receipt(receipt) for receipt in receipts]
        is_first = bool(self.handoffs) and self.head.header.height == self.handoffs[-1]["height"]
        header = replace(
            child_of(self.head.header, step_ms=step_ms, view=1 if is_first else None),
            epoch=Epoch(len(self.handoffs)),
            requests_hash=requests_hash,
            state_root=_state_trie(storage, nonces).root,
            transactions_root=ordered_list_root(transactions),
            receipts_root=ordered_list_root(encoded),
            logs_bloom=bloom_bytes(bloom_of([log for receipt in receipts for log in receipt.logs])),
            gas_used=gas_used,
        )
        finalization = certificate_of(header, domain=self.domain, signers=(0, 1, 3), keys=self.keys)
        return Block(header, encode_header(header), tuple(transactions), tuple(encoded), finalization, storage, nonces)

    def find(self, transaction_hash: bytes) -> tuple[Block, int] | None:
        """Return the block and index of a transaction."""
        for block in self.blocks:
            for index, raw in enumerate(block.transactions):
                if keccak256(raw) == transaction_hash:
                    return block, index
        return None


def account_proof(block: Block, address: Address, slots: Sequence[int]) -> dict[str, object]:
    """Return what eth_getProof answers."""
    storage = _storage_trie(block.storage.get(address, {}))
    return {
        "address": "0x" + address.hex(),
        "accountProof": [_hex(node) for node in _state_trie(block.storage, block.nonces).proof(keccak256(address))],
        "storageProof": [
            {
                "key": hex(slot),
                "value": hex(block.storage.get(address, {}).get(slot, 0)),
                "proof": [_hex(node) for node in storage.proof(keccak256(slot.to_bytes(32, "big")))],
            }
            for slot in slots
        ],
    }


def certificate(block: Block) -> dict[str, object]:
    """Return what sycee_getCertificate answers."""
    return {
        "height": block.header.height,
        "hash": _hex(block.hash),
        "header": _hex(block.header_rlp),
        "linkingHeaders": [],
        "finalization": _hex(block.finalization),
        "epoch": 0,
        "view": block.header.view,
        "signers": [0, 1, 3],
        "validatorCount": 4,
    }


def finality_proof(block: Block, index: int) -> dict[str, object]:
    """Return what sycee_getFinalityProof answers."""
    return {
        **certificate(block),
        "transactionIndex": index,
        "transaction": _hex(block.transactions[index]),
        "transactionProof": [_hex(node) for node in ordered_list_proof(block.transactions, index)],
        "receipt": _hex(block.receipts[index]),
        "receiptProof": [_hex(node) for node in ordered_list_proof(block.receipts, index)],
    }


def run_call(
    storage: Storage, caller: Address, address: Address, data: bytes, *, timestamp_s: int, is_static: bool = False
) -> tuple[NativeResult, list[Log]]:
    """Run a call of a system contract; one that reverts leaves the storage alone."""
    logs: list[tuple[Address, tuple[bytes, ...], bytes]] = []
    changed = copy.deepcopy(storage)
    context = DictionaryContext(changed, logs, address=address, caller=caller, value=0, is_static=is_static)
    context.block_timestamp_s = timestamp_s
    result = run_native(context, data, 100_000_000)
    if result.success:
        storage.clear()
        storage.update(without_zeros(changed))
    return result, [Log(holder, tuple(Hash32(topic) for topic in topics), data) for holder, topics, data in logs]


def _execute(storage: Storage, nonces: dict[Address, int], raw: bytes, gas: int, timestamp_s: int) -> Receipt:
    transaction = decode_transaction(raw)
    sender = recover_sender(transaction)
    nonces[sender] = nonces.get(sender, 0) + 1
    if transaction.to is None or lookup(transaction.to) is None:
        # A creation, or a call of a contract that only exists in a test's imagination.
        return Receipt(2, True, gas, ())
    result, logs = run_call(storage, sender, transaction.to, transaction.data, timestamp_s=timestamp_s)
    return Receipt(2, result.success, gas, tuple(logs) if result.success else ())


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
