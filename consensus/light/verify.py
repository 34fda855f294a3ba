"""Checks of final headers, and of accounts, slots, receipts and transactions under them. Pure functions over bytes.

The same code serves the wallet, a node that catches up, and anybody who was handed a proof file. Nothing is believed
but the trusted state that is passed in. Source: consensus.md §10, wallet.md §8.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from consensus.chain.errors import InvalidProof, MalformedBlock
from consensus.chain.genesis import GenesisDocument, endpoints_hash
from consensus.chain.header import NO_REQUESTS_HASH, Header, block_hash_of, decode_header
from consensus.chain.merkle import verify_merkle_proof
from consensus.chain.receipt import Receipt, decode_receipt
from consensus.light.trust import (
    CertificateNotValid,
    GenesisMismatch,
    LinkBroken,
    MalformedEvidence,
    TrustedState,
    ValidatorSetMismatch,
    ValueNotProven,
    Waypoint,
    WaypointMismatch,
    WrongDigest,
    WrongEpoch,
    WrongView,
    advance,
)
from consensus.primitives.hashing import keccak256_cached
from consensus.primitives.rlp_codec import RlpError, decode, encode_uint, read_bytes, read_list, read_uint
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, ValidatorIndex
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import Certificate, Kind, MalformedConsensusMessage, SigningDomain, decode_certificate
from consensus.simplex.validators import (
    InvalidValidatorSet,
    Validator,
    ValidatorSet,
    decode_set_payload,
    encode_set_payload,
    make_validator_set,
    next_set_requests_hash,
)

GENESIS_EPOCH: Final = Epoch(0)
LINKING_HEADERS_MAX: Final = 256
"""Most headers between a block and the descendant that was finalized: the bound of the proof's format."""


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A header proven final."""

    header: Header
    header_rlp: bytes
    hash: Hash32
    """keccak-256 of `header_rlp`."""
    signers: tuple[ValidatorIndex, ...]
    """Who signed the finalization, ascending."""
    validator_count: int
    """Size of the epoch's set."""

    @property
    def waypoint(self) -> Waypoint:
        """Return the block's name."""
        return Waypoint(self.header.epoch, self.header.height, self.hash)


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as a final header's state holds it."""

    nonce: int
    balance: int
    """Native value in wei; currencies are slots of their own contracts."""
    storage_root: Hash32
    code_hash: Hash32


def genesis_set_payload(document: GenesisDocument) -> bytes:
    """Return the payload of epoch 0's validator set, to which the genesis header's requestsHash commits.

    A validator's endpoints are hashed as the RLP list of its host:port texts in their order.
    """
    validators = [
        Validator(
            consensus_key=entry.consensus_key,
            tls_key=entry.tls_key,
            attestation_key=entry.attestation_key,
            operator=entry.operator,
            endpoints_hash=endpoints_hash(entry),
        )
        for entry in document.validators
    ]
    return encode_set_payload(GENESIS_EPOCH, validators)


def trust_genesis(
    *, chain_id: int, document_hash: Hash32, payload: bytes, header_rlp: bytes, accepted_ms: TimestampMs
) -> TrustedState:
    """Return the trusted state of somebody who has the genesis document and was handed a genesis header.

    The header must name the document and commit to the set in `payload`. Its other fields are proven only by the first
    finalization, because every signature contains the header's hash. `accepted_ms` is when the document was accepted.

    Raises: MalformedEvidence, GenesisMismatch, ValidatorSetMismatch.
    """
    header = _read_header(header_rlp, "genesis header")
    if header.height != 0:
        raise GenesisMismatch("number", found=header.height, trusted=0)
    if header.epoch != GENESIS_EPOCH:
        raise GenesisMismatch("epoch", found=header.epoch, trusted=GENESIS_EPOCH)
    if header.previous_randao != document_hash:
        raise GenesisMismatch("mixHash", found=f"0x{header.previous_randao.hex()}", trusted=f"0x{document_hash.hex()}")
    genesis_hash = block_hash_of(header_rlp)
    validators = _follow_set(header, genesis_hash, payload, GENESIS_EPOCH)
    point = Waypoint(GENESIS_EPOCH, Height(0), genesis_hash)
    return TrustedState(
        chain_id=chain_id,
        genesis_hash=genesis_hash,
        epoch=GENESIS_EPOCH,
        validators=validators,
        anchor=point,
        highest=point,
        refreshed_ms=max(header.timestamp_ms, accepted_ms),
    )


def trust_waypoint(
    waypoint: Waypoint,
    *,
    chain_id: int,
    genesis_hash: Hash32,
    header_rlp: bytes,
    payload: bytes,
    accepted_ms: TimestampMs,
) -> TrustedState:
    """Return the trusted state of somebody who pinned the last block of an epoch, and was handed its header.

    The set in `payload`, to which the header must commit, is that of the next epoch. `accepted_ms` is when a person
    accepted the waypoint: the trust period begins there, however old the block is. Genesis is `trust_genesis`'.

    Raises: MalformedEvidence, WaypointMismatch, ValidatorSetMismatch.
    """
    found_hash = block_hash_of(header_rlp)
    if found_hash != waypoint.hash:
        raise WaypointMismatch("hash", found=f"0x{found_hash.hex()}", pinned=f"0x{waypoint.hash.hex()}")
    header = _read_header(header_rlp, "pinned header")
    if header.height != waypoint.height:
        raise WaypointMismatch("number", found=header.height, pinned=waypoint.height)
    if header.epoch != waypoint.epoch:
        raise WaypointMismatch("epoch", found=header.epoch, pinned=waypoint.epoch)
    epoch = Epoch(header.epoch + 1)
    return TrustedState(
        chain_id=chain_id,
        genesis_hash=genesis_hash,
        epoch=epoch,
        validators=_follow_set(header, found_hash, payload, epoch),
        anchor=waypoint,
        highest=waypoint,
        refreshed_ms=max(header.timestamp_ms, accepted_ms),
    )


def read_genesis_header(trusted: TrustedState, header_rlp: bytes) -> FinalHeader:
    """Return the genesis header as final without signers: nobody votes on it, the trusted document stands for it.

    Raises: GenesisMismatch if it is another header.
    """
    found = block_hash_of(header_rlp)
    if found != trusted.genesis_hash:
        raise GenesisMismatch("hash", found=f"0x{found.hex()}", trusted=f"0x{trusted.genesis_hash.hex()}")
    header = _read_header(header_rlp, "genesis header")
    return FinalHeader(header, header_rlp, found, (), trusted.validators.count)


def verify_final_proof(
    trusted: TrustedState, *, header_rlp: bytes, linking_headers: Sequence[bytes], finalization: bytes
) -> FinalHeader:
    """Return the header, proven final by the trusted validators.

    `linking_headers` are children, each of the one before, up to the one that `finalization` (wire bytes) is for.

    Raises: MalformedEvidence, WrongEpoch, LinkBroken, WrongDigest, WrongView, CertificateNotValid.
    """
    if len(linking_headers) > LINKING_HEADERS_MAX:
        raise LinkBroken(0, f"{len(linking_headers)} linking headers, at most {LINKING_HEADERS_MAX}")
    header = last = _read_header(header_rlp, "header")
    _validate_epoch("the header", last.epoch, trusted)
    block_hash = last_hash = block_hash_of(header_rlp)
    for linking_rlp in linking_headers:
        child = _read_header(linking_rlp, "linking header")
        if child.parent_hash != last_hash:
            raise LinkBroken(child.height, f"its parent is 0x{child.parent_hash.hex()}, not 0x{last_hash.hex()}")
        if child.height != last.height + 1:
            raise LinkBroken(child.height, f"its parent is at height {last.height}")
        _validate_epoch("a linking header", child.epoch, trusted)
        last, last_hash = child, block_hash_of(linking_rlp)
    certificate = _read_certificate(finalization)
    statement = certificate.statement
    _validate_epoch("the finalization", statement.epoch, trusted)
    if statement.digest != last_hash:
        raise WrongDigest(header_hash=last_hash, signed=statement.digest)
    # An epoch's last block is proposed again, unchanged, until it is final: only then is the signed view a later one.
    is_last_of_epoch = last.requests_hash != NO_REQUESTS_HASH
    if statement.view != last.view and not (is_last_of_epoch and statement.view > last.view):
        raise WrongView(header_view=last.view, certificate_view=statement.view)
    try:
        verify_certificate(SigningDomain(trusted.chain_id, trusted.genesis_hash), trusted.validators, certificate)
    except InvalidCertificate as error:
        raise CertificateNotValid(str(error)) from error
    return FinalHeader(header, header_rlp, block_hash, certificate.signers, trusted.validators.count)


def verify_handoff(trusted: TrustedState, *, header_rlp: bytes, payload: bytes, finalization: bytes) -> TrustedState:
    """Return the trusted state one epoch later, given the last block of the trusted epoch and the set it commits to.

    Raises: those of `verify_final_proof`; ValidatorSetMismatch; ConflictingFinality.
    """
    final = verify_final_proof(trusted, header_rlp=header_rlp, linking_headers=(), finalization=finalization)
    epoch = Epoch(trusted.epoch + 1)
    validators = _follow_set(final.header, final.hash, payload, epoch)
    moved = advance(trusted, final.waypoint, final.header.timestamp_ms)
    return replace(moved, epoch=epoch, validators=validators, anchor=final.waypoint)


def recall_epoch(trusted: TrustedState, *, payload: bytes, view_zero: Waypoint) -> TrustedState:
    """Return `trusted` as of an epoch whose handoff was verified before and whose set was kept.

    `view_zero` is the block that committed to the set in `payload`. Nothing is checked again.

    Raises: ValidatorSetMismatch if the payload is damaged.
    """
    try:
        epoch, members = decode_set_payload(payload)
        validators = make_validator_set(epoch, members, view_zero.hash)
    except InvalidValidatorSet as error:
        raise ValidatorSetMismatch(str(error)) from error
    return replace(trusted, epoch=epoch, validators=validators, anchor=view_zero)


def verify_account(state_root: Hash32, address: Address, nodes: Sequence[bytes]) -> AccountState | None:
    """Return the account under `state_root`, or None if the proof shows that there is none.

    Raises: ValueNotProven, MalformedEvidence. Source: EIP-1186.
    """
    subject = f"account 0x{address.hex()}"
    value = _verify_path(state_root, keccak256_cached(address), nodes, subject)
    if value is None:
        return None
    try:
        nonce, balance, storage_root, code_hash = read_list(decode(value), 4)
        return AccountState(
            nonce=read_uint(nonce, bytes_max=8),
            balance=read_uint(balance),
            storage_root=Hash32(read_bytes(storage_root, 32)),
            code_hash=Hash32(read_bytes(code_hash, 32)),
        )
    except RlpError as error:
        raise MalformedEvidence(subject, str(error)) from error


def verify_storage_slot(storage_root: Hash32, slot: int, nodes: Sequence[bytes]) -> int:
    """Return the word at `slot` (0 to 2^256 - 1) under `storage_root`; 0 if the proof shows that it is empty.

    Raises: ValueNotProven, MalformedEvidence. Source: EIP-1186.
    """
    subject = f"slot 0x{slot:x}"
    value = _verify_path(storage_root, keccak256_cached(slot.to_bytes(32, "big")), nodes, subject)
    if value is None:
        return 0
    try:
        return read_uint(decode(value))
    except RlpError as error:
        raise MalformedEvidence(subject, str(error)) from error


def verify_receipt(final: FinalHeader, index: int, encoded: bytes, nodes: Sequence[bytes]) -> Receipt:
    """Return the receipt at `index` of a final block, proven to be `encoded`.

    Raises: ValueNotProven, MalformedEvidence.
    """
    _verify_list_item(final.header.receipts_root, index, encoded, nodes, f"receipt {index}")
    try:
        return decode_receipt(encoded)
    except MalformedBlock as error:
        raise MalformedEvidence(f"receipt {index}", str(error)) from error


def verify_transaction(final: FinalHeader, index: int, raw: bytes, nodes: Sequence[bytes]) -> None:
    """Check that `raw` is the transaction at `index` of a final block. Raises: ValueNotProven."""
    _verify_list_item(final.header.transactions_root, index, raw, nodes, f"transaction {index}")


def _verify_list_item(root: Hash32, index: int, value: bytes, nodes: Sequence[bytes], subject: str) -> None:
    found = _verify_path(root, encode_uint(index), nodes, subject)
    if found != value:
        held = "nothing" if found is None else f"{len(found)} other bytes"
        raise ValueNotProven(subject, f"{len(value)} bytes were given, the block has {held} there")


def _verify_path(root: Hash32, key: bytes, nodes: Sequence[bytes], subject: str) -> bytes | None:
    try:
        return verify_merkle_proof(root, key, nodes)
    except InvalidProof as error:
        raise ValueNotProven(subject, str(error)) from error


def _follow_set(header: Header, block_hash: Hash32, payload: bytes, epoch: Epoch) -> ValidatorSet:
    """Return the set in `payload`, to which `header` must commit, as that of `epoch`. Raises: ValidatorSetMismatch."""
    committed = next_set_requests_hash(payload)
    if committed != header.requests_hash:
        raise ValidatorSetMismatch(
            f"it hashes to 0x{committed.hex()}, the header commits to 0x{header.requests_hash.hex()}"
        )
    try:
        found_epoch, validators = decode_set_payload(payload)
        if found_epoch != epoch:
            raise ValidatorSetMismatch(f"it is for epoch {found_epoch}, the next is {epoch}")
        return make_validator_set(epoch, validators, block_hash)
    except InvalidValidatorSet as error:
        raise ValidatorSetMismatch(str(error)) from error


def _validate_epoch(part: str, found: Epoch, trusted: TrustedState) -> None:
    if found != trusted.epoch:
        raise WrongEpoch(part, found=found, trusted=trusted.epoch)


def _read_header(header_rlp: bytes, part: str) -> Header:
    try:
        return decode_header(header_rlp)
    except MalformedBlock as error:
        raise MalformedEvidence(part, str(error)) from error


def _read_certificate(finalization: bytes) -> Certificate:
    try:
        certificate = decode_certificate(finalization)
    except MalformedConsensusMessage as error:
        raise MalformedEvidence("finalization", str(error)) from error
    if certificate.statement.kind is not Kind.FINALIZE:
        raise CertificateNotValid(f"its votes are to {certificate.statement.kind.name.lower()}, not to finalize")
    return certificate
