"""A small network's genesis and signed payments, for tests of everything above the ledger."""

from collections.abc import Sequence

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisCurrency, GenesisDocument, GenesisMinter, GenesisValidator
from consensus.chain.transaction import decode_transaction, recover_sender, sign_dynamic_fee_transaction
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import currency_address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.execution.genesis_state import Genesis, build_genesis
from node.execution.transition import BlockContext, SignedTransaction
from node.state.reader import FinalState
from node.storage.memory import MemoryStore

CHAIN_ID = 7001
GENESIS_MS = TimestampMs(1_700_000_000_000)
EUR = currency_address(1)
OPENING_MINOR = 1_000_000


def account(number: int) -> tuple[bytes, Address]:
    """Return private key and address of one of the accounts; those of 1 to 3 hold euros."""
    private_key = bytes((number,)) * 32
    return private_key, address_of_private_key(private_key)


ALICE_KEY, ALICE = account(1)
BOB_KEY, BOB = account(2)
CAROL_KEY, CAROL = account(3)
DAVE_KEY, DAVE = account(4)


def consensus_seed(number: int) -> bytes:
    """Return the private consensus key of a validator."""
    return bytes((0x80 + number,)) * 32


def document(
    *, tls_keys: Sequence[bytes] = (b"\x11" * 32,), parameters: tuple[tuple[str, int], ...] = ()
) -> GenesisDocument:
    """Return a network of as many validators as TLS keys, with one currency."""
    return GenesisDocument(
        chain_id=CHAIN_ID,
        name="small",
        timestamp_ms=GENESIS_MS,
        governor=DAVE,
        parameters=parameters,
        validators=tuple(
            GenesisValidator(
                name=f"bank{number}",
                operator=Address(bytes((0xB0 + number,)) * 20),
                consensus_key=bytes(SigningKey(consensus_seed(number)).verify_key),
                tls_key=tls_key,
                attestation_key=bytes((0xA0 + number,)) * 32,
                endpoints=(f"127.0.0.1:{26_000 + number}",),
            )
            for number, tls_key in enumerate(tls_keys, 1)
        ),
        currencies=(
            GenesisCurrency(
                code="EUR",
                name="Euro",
                decimals=2,
                admin=DAVE,
                supply_cap_minor=0,
                minters=(GenesisMinter(ALICE, 500),),
                balances=tuple((address, OPENING_MINOR) for address in (ALICE, BOB, CAROL)),
            ),
        ),
    )


def genesis(wanted: GenesisDocument | None = None) -> Genesis:
    return build_genesis(document() if wanted is None else wanted, FinalState(MemoryStore()))


def raw_call(
    private_key: bytes, nonce: int, data: bytes, *, to: Address | None = EUR, gas: int = 200_000, value: int = 0
) -> bytes:
    return sign_dynamic_fee_transaction(
        private_key, chain_id=CHAIN_ID, nonce=nonce, gas_limit=gas, to=to, data=data, value=value
    )


def raw_payment(private_key: bytes, nonce: int, to: Address, amount_minor: int, *, gas: int = 200_000) -> bytes:
    return raw_call(private_key, nonce, encode_call(find_function(CURRENCY, "transfer"), to, amount_minor), gas=gas)


def signed(raw: bytes) -> SignedTransaction:
    transaction = decode_transaction(raw)
    return SignedTransaction(transaction, recover_sender(transaction))


def payment(private_key: bytes, nonce: int, to: Address, amount_minor: int, *, gas: int = 200_000) -> SignedTransaction:
    return signed(raw_payment(private_key, nonce, to, amount_minor, gas=gas))


def context(block_zero: Genesis, *, height: int = 1, parent_hash: Hash32 | None = None) -> BlockContext:
    """Return the context of a block right above genesis, or of a later one."""
    return BlockContext(
        chain_id=CHAIN_ID,
        parent_hash=block_zero.executed.block.block_hash if parent_hash is None else parent_hash,
        height=Height(height),
        timestamp_ms=TimestampMs(GENESIS_MS + 1_234 * height),
        leader=Address(b"\xb1" * 20),
        epoch=Epoch(0),
        view=View(height),
        limits=block_zero.limits,
    )
