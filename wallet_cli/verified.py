"""Answers checked with `consensus/light`: what this module returns is proven, or says that it is not.

A failed proof is never downgraded to an unproven answer: it stops the command (exit 7), naming endpoint and check.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from consensus.chain.errors import InvalidTransaction
from consensus.chain.header import decode_header
from consensus.chain.receipt import Receipt
from consensus.chain.transaction import Transaction, decode_transaction, recover_sender
from consensus.light.trust import (
    ConflictingFinality,
    LightError,
    TrustedState,
    TrustPeriodExceeded,
    Waypoint,
    advance,
    validate_trust_period,
)
from consensus.light.verify import (
    GENESIS_EPOCH,
    AccountState,
    FinalHeader,
    read_genesis_header,
    recall_epoch,
    trust_genesis,
    verify_account,
    verify_final_proof,
    verify_handoff,
    verify_receipt,
    verify_storage_slot,
    verify_transaction,
)
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs
from wallet_cli.client import METHOD_NOT_FOUND, Answer, Client, RpcRefused, RpcSilent
from wallet_cli.errors import NetworkUnreachable, PolicyRefused, ProofInvalid, UserError
from wallet_cli.home import Network
from wallet_cli.output import Proof
from wallet_cli.trust_store import StoredAnchor, StoredEpoch, TrustStore

AGE_MAX_MS: Final = 30_000
"""Older headers are called stale: three heartbeats of an idle network."""

PROOF_ITEMS_MAX: Final = 512
"""Longest list of hex strings read from an answer: 256 linking headers is the longest that can be true."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest final header any endpoint could prove, and who has it."""

    endpoint: str
    final: FinalHeader
    proof: Proof


@dataclass(frozen=True, slots=True)
class FinalTransaction:
    """A transaction proven to be in a final block, with its proven receipt."""

    transaction: Transaction
    sender: Address
    index: int
    receipt: Receipt
    final: FinalHeader
    proof: Proof


class Verifier:
    """Proven reads of one network."""

    def __init__(self, *, network: Network, client: Client, store: TrustStore, now_ms: Callable[[], int]) -> None:
        self._network = network
        self._client = client
        self._store = store
        self._now_ms = now_ms
        self._trusted: TrustedState | None = None
        self._genesis_header = b""

    def validate_no_conflict(self) -> None:
        """Check that no two final blocks of one height were ever seen. Raises: ProofInvalid."""
        for height, _, _ in self._store.load_conflicts():
            raise ProofInvalid(
                f"two blocks are final at height {height}: validators of {self._network.name} signed both",
                why="with more than f of them dishonest no signature of this network proves anything",
                next_step="sycee trust show",
                code="CONFLICTING_FINALITY",
            )

    def head(self) -> Head | None:
        """Return the highest header that any endpoint proves final.

        None if no endpoint knows `sycee_getCertificate`: then nothing can be proven on this network.

        Raises: ProofInvalid if any endpoint's evidence is wrong, NetworkUnreachable if none answers.
        """
        heads: list[tuple[str, FinalHeader]] = []
        ignorant = refused = None
        for endpoint in list(self._client.living()):
            try:
                heads.append((endpoint, self._certificate(endpoint, "latest")))
            except RpcSilent as error:
                self._client.mark_silent(error)
            except RpcRefused as error:
                if error.code == METHOD_NOT_FOUND:
                    ignorant = error
                else:
                    refused = error
        if heads:
            endpoint, final = max(heads, key=lambda entry: entry[1].header.height)
            return Head(endpoint, final, self._freshness(final))
        if refused is not None:
            raise refused_answer(refused)
        if ignorant is not None:
            return None
        raise self._client.unreachable()

    def head_at(self, endpoint: str, height: Height) -> Head:
        """Return the header of a past height, proven final by `endpoint`.

        Raises: ProofInvalid; NetworkUnreachable if the endpoint refuses or falls silent.
        """
        try:
            final = self._certificate(endpoint, hex(height))
        except RpcRefused as error:
            raise refused_answer(error) from error
        except RpcSilent as error:
            self._client.mark_silent(error)
            raise self._client.unreachable() from error
        if final.header.height != height:
            raise proof_failed(endpoint, ValueError(f"asked for height {height}, proven is {final.header.height}"))
        return Head(endpoint, final, self._freshness(final, is_past=True))

    def trusted(self) -> TrustedState | None:
        """Return what is believed now; None before the first final header was verified."""
        stored = self._store.load_anchor()
        if stored is None:
            return None
        if self._trusted is None:
            self._trusted = self._restore(stored)
        return self._trusted

    def read_account(
        self, head: Head, address: Address, slots: Sequence[int] = ()
    ) -> tuple[AccountState | None, list[int]]:
        """Return the account and the words at `slots`, proven under the head's state root.

        Raises: ProofInvalid; NetworkUnreachable if the endpoint refuses or falls silent.
        """
        endpoint, height = head.endpoint, head.final.header.height
        keys = [f"0x{slot:064x}" for slot in slots]
        answer = ask_at(self._client, endpoint, "eth_getProof", "0x" + address.hex(), keys, hex(height))
        return self._checked(endpoint, lambda: _account_of(answer, head.final.header.state_root, address, slots))

    def finality(self, transaction_hash: Hash32) -> FinalTransaction | None:
        """Return the transaction with its receipt, both proven, or None if no endpoint says that it is final.

        Raises: ProofInvalid, NetworkUnreachable.
        """
        refused = None
        is_answered = False
        for endpoint in list(self._client.living()):
            try:
                answer = self._client.call_at(endpoint, "sycee_getFinalityProof", "0x" + transaction_hash.hex())
                if answer is not None:
                    return self._final_transaction(endpoint, answer, transaction_hash)
                is_answered = True
            except RpcSilent as error:
                self._client.mark_silent(error)
            except RpcRefused as error:
                refused = error
        if is_answered:
            return None
        if refused is not None:
            raise refused_answer(refused)
        raise self._client.unreachable()

    def check_evidence(self, source: str, answer: object, transaction_hash: Hash32) -> FinalTransaction:
        """Return the transaction that kept evidence proves, asking no node; `source` is where the evidence lies.

        Raises: ProofInvalid; PolicyRefused if its epoch is newer than what this wallet has followed.
        """
        self._validate_epoch_known(source, answer)
        return self._final_transaction(source, answer, transaction_hash)

    def check_account(
        self, source: str, certificate: object, answer: object, address: Address, slots: Sequence[int]
    ) -> tuple[FinalHeader, Proof, list[int]]:
        """Return header, label and words that kept evidence of an account proves, asking no node.

        Raises: ProofInvalid; PolicyRefused if its epoch is newer than what this wallet has followed.
        """
        self._validate_epoch_known(source, certificate)
        final = self._take_notice(source, certificate)
        _, words = self._checked(source, lambda: _account_of(answer, final.header.state_root, address, slots))
        return final, self._freshness(final, is_past=True), words

    def _validate_epoch_known(self, source: str, answer: object) -> None:
        trusted = self.trusted()
        epoch = self._checked(source, lambda: decode_header(_bytes(_object(answer), "header")).epoch)
        if trusted is None or epoch > trusted.epoch:
            known = "none" if trusted is None else str(trusted.epoch)
            raise PolicyRefused(
                f"{source} proves something of epoch {epoch}, and the newest epoch this wallet knows is {known}",
                why="its validators were handed over to in steps that this wallet has not seen",
                next_step="sycee net health, once with a network; then repeat the command",
                code="EPOCH_UNKNOWN",
            )

    def _final_transaction(self, endpoint: str, answer: object, transaction_hash: Hash32) -> FinalTransaction:
        final = self._take_notice(endpoint, answer)

        def check() -> FinalTransaction:
            fields = _object(answer)
            index = _number(fields, "transactionIndex")
            raw = _bytes(fields, "transaction")
            verify_transaction(final, index, raw, _bytes_list(fields, "transactionProof"))
            receipt = verify_receipt(final, index, _bytes(fields, "receipt"), _bytes_list(fields, "receiptProof"))
            transaction = decode_transaction(raw)
            if transaction.hash != transaction_hash:
                raise ValueError(f"asked for 0x{transaction_hash.hex()}, proven is 0x{transaction.hash.hex()}")
            return FinalTransaction(
                transaction, recover_sender(transaction), index, receipt, final, self._freshness(final, is_past=True)
            )

        return self._checked(endpoint, check)

    def _certificate(self, endpoint: str, what: str) -> FinalHeader:
        return self._take_notice(endpoint, self._client.call_at(endpoint, "sycee_getCertificate", what))

    def _take_notice(self, endpoint: str, answer: object) -> FinalHeader:
        """Verify the certificate in an answer, remember its header, and move trust forward."""
        self.validate_no_conflict()
        trusted = self.trusted()
        genesis_header = self._genesis_header
        if trusted is None:
            genesis_header = self._fetch_genesis(endpoint)
            trusted = self._trust_genesis(endpoint, genesis_header)
        fields = self._checked(endpoint, lambda: _object(answer))
        header_rlp = self._checked(endpoint, lambda: _bytes(fields, "header"))
        anchored = trusted
        if header_rlp == genesis_header:
            return self._checked(endpoint, lambda: read_genesis_header(anchored, header_rlp))
        epoch = self._checked(endpoint, lambda: decode_header(header_rlp).epoch)
        trusted = self._follow_epochs(endpoint, trusted, epoch)
        believed = self._in_epoch(endpoint, trusted, epoch)
        final = self._checked(
            endpoint,
            lambda: verify_final_proof(
                believed,
                header_rlp=header_rlp,
                linking_headers=_bytes_list(fields, "linkingHeaders"),
                finalization=_bytes(fields, "finalization"),
            ),
        )
        self._remember(endpoint, trusted, genesis_header, final, fields)
        return final

    def _follow_epochs(self, endpoint: str, trusted: TrustedState, epoch: Epoch) -> TrustedState:
        """Verify handoff after handoff until `epoch` is reached, and keep each set.

        Raises: ProofInvalid, PolicyRefused if what is trusted is too old to be followed.
        """
        if trusted.epoch < epoch:
            self._checked(endpoint, lambda: validate_trust_period(trusted, TimestampMs(self._now_ms())))
        while trusted.epoch < epoch:
            handoffs = self._client.call_at(endpoint, "sycee_getHandoffs", trusted.epoch)
            if not isinstance(handoffs, list) or not handoffs:
                raise proof_failed(
                    endpoint,
                    ValueError(f"it names a block of epoch {epoch} and does not hand over epoch {trusted.epoch}"),
                )
            for handoff in handoffs[: epoch - trusted.epoch]:
                trusted = self._take_handoff(endpoint, trusted, handoff)
        return trusted

    def _take_handoff(self, endpoint: str, trusted: TrustedState, answer: object) -> TrustedState:
        fields = self._checked(endpoint, lambda: _object(answer))
        payload = self._checked(endpoint, lambda: _bytes(fields, "validators"))
        moved = self._checked(
            endpoint,
            lambda: verify_handoff(
                trusted,
                header_rlp=_bytes(fields, "header"),
                payload=payload,
                finalization=_bytes(fields, "finalization"),
            ),
        )
        self._store.save_epoch(StoredEpoch(moved.epoch, payload, moved.anchor.height, moved.anchor.hash))
        return moved

    def _in_epoch(self, endpoint: str, trusted: TrustedState, epoch: Epoch) -> TrustedState:
        """Return what is believed of an epoch that may be over: its set, as it was verified then.

        Raises: ProofInvalid if the set is not kept any more.
        """
        if epoch == trusted.epoch:
            return trusted
        if epoch == GENESIS_EPOCH:
            return self._trust_genesis(endpoint, self._genesis_header)
        stored = self._store.load_epoch(epoch)
        if stored is None:
            raise proof_failed(endpoint, ValueError(f"the validators of epoch {epoch} are not kept here any more"))
        return _recall(trusted, stored)

    def _remember(
        self,
        endpoint: str,
        trusted: TrustedState,
        genesis_header: bytes,
        final: FinalHeader,
        fields: Mapping[str, object],
    ) -> None:
        names = ("header", "linkingHeaders", "finalization")
        evidence = json.dumps({name: fields[name] for name in names})
        height = final.header.height
        known = self._store.load_header(height)
        if known is not None and known[0] != final.hash:
            self._store.save_conflict(height, (known, (final.hash, evidence)))
            raise proof_failed(endpoint, ConflictingFinality(height, trusted=known[0], found=final.hash))
        self._checked(endpoint, lambda: validate_trust_period(trusted, TimestampMs(self._now_ms())))
        moved = self._checked(endpoint, lambda: advance(trusted, final.waypoint, final.header.timestamp_ms))
        if known is None or moved is not trusted or self._trusted is None:
            point = moved.highest
            anchor = StoredAnchor(genesis_header, point.epoch, point.height, point.hash, moved.refreshed_ms)
            self._store.save_header(anchor, height=height, block_hash=final.hash, evidence=evidence)
        self._trusted, self._genesis_header = moved, genesis_header

    def _fetch_genesis(self, endpoint: str) -> bytes:
        answer = self._client.call_at(endpoint, "sycee_getCertificate", "0x0")
        return self._checked(endpoint, lambda: _bytes(_object(answer), "header"))

    def _trust_genesis(self, source: str, genesis_header: bytes) -> TrustedState:
        network = self._network
        return self._checked(
            source,
            lambda: trust_genesis(
                chain_id=network.chain_id,
                document_hash=network.document_hash,
                payload=network.validator_set,
                header_rlp=genesis_header,
                accepted_ms=TimestampMs(network.accepted_ms),
            ),
        )

    def _restore(self, stored: StoredAnchor) -> TrustedState:
        trusted = self._trust_genesis("the trust store", stored.genesis_header)
        self._genesis_header = stored.genesis_header
        newest = self._store.load_epoch()
        if newest is not None:
            trusted = _recall(trusted, newest)
        return advance(trusted, Waypoint(stored.epoch, stored.height, stored.hash), stored.refreshed_ms)

    def _freshness(self, final: FinalHeader, *, is_past: bool = False) -> Proof:
        """Return the label of a proven header; `is_past` for facts that cannot change any more."""
        header = final.header
        age_ms = self._now_ms() - header.timestamp_ms
        level, note = "verified", ""
        highest = self._trusted.highest.height if self._trusted else Height(0)
        if header.height < highest and not is_past:
            level, note = "stale", f"this wallet has verified height {highest}"
        elif header.height == 0:
            level, note = "unverified", "no block after genesis is final yet"
        elif not is_past:
            if abs(age_ms) > AGE_MAX_MS:
                level, note = "stale", f"height {header.height}" if age_ms > 0 else "this machine's clock is behind"
            elif len(self._client.endpoints) == 1:
                note = "one endpoint"
        return Proof(
            level=level,
            height=header.height,
            hash="0x" + final.hash.hex(),
            age_ms=age_ms,
            signed=f"{len(final.signers)}/{final.validator_count}",
            note=note,
        )

    def _checked(self, endpoint: str, check: Callable[[], T]) -> T:
        """Run a check of what `endpoint` answered. Raises: ProofInvalid, PolicyRefused."""
        try:
            return check()
        except TrustPeriodExceeded as error:
            raise PolicyRefused(
                str(error),
                why="validators that left long ago could sign another history",
                next_step=f"sycee init --network {self._network.name} --replace with a genesis document you trust",
                code="ANCHOR_STALE",
            ) from error
        except (LightError, InvalidTransaction, ValueError, KeyError, TypeError) as error:
            raise proof_failed(endpoint, error) from error


def ask_at(client: Client, endpoint: str, method: str, *params: object) -> Any:
    """Return what one endpoint answers, unproven. Raises: NetworkUnreachable if it refuses or is silent."""
    try:
        return client.call_at(endpoint, method, *params)
    except RpcRefused as error:
        raise refused_answer(error) from error
    except RpcSilent as error:
        client.mark_silent(error)
        raise client.unreachable() from error


def ask_any(client: Client, method: str, *params: object) -> Answer:
    """Return what the first living endpoint answers, unproven. Raises: NetworkUnreachable."""
    try:
        return client.call(method, *params)
    except RpcRefused as error:
        raise refused_answer(error) from error


def _recall(trusted: TrustedState, stored: StoredEpoch) -> TrustedState:
    """Return `trusted` as it was in an epoch whose handoff was verified."""
    view_zero = Waypoint(Epoch(stored.epoch - 1), stored.height, stored.hash)
    return recall_epoch(trusted, payload=stored.validators, view_zero=view_zero)


def proof_failed(endpoint: str, error: Exception) -> ProofInvalid:
    """Return the error that names who gave the evidence and which check it failed."""
    check = error.check if isinstance(error, LightError) else "answer"
    code = "CONFLICTING_FINALITY" if isinstance(error, ConflictingFinality) else None
    return ProofInvalid(
        f"{endpoint} failed the check of {check}: {error}",
        why="the endpoint lies, serves another network, or is broken; nothing of its answer was used",
        next_step="sycee trust show" if code else "compare with another node: --rpc URL",
        code=code,
    )


def refused_answer(error: RpcRefused) -> UserError:
    """Return the error for a read that an endpoint refused."""
    return NetworkUnreachable(
        f"{error.endpoint} refused: {error.message} ({error.code})",
        why="the node does not serve this, or not for this height",
        next_step="sycee net health, or name another node with --rpc URL",
        code="RPC_REFUSED",
        reason=error.reason,
    )


def _account_of(
    answer: object, state_root: Hash32, address: Address, slots: Sequence[int]
) -> tuple[AccountState | None, list[int]]:
    fields = _object(answer)
    account = verify_account(state_root, address, _bytes_list(fields, "accountProof"))
    entries = fields["storageProof"]
    if not isinstance(entries, list) or len(entries) != len(slots):
        raise ValueError(f"{len(slots)} storage proofs were asked for")
    if account is None:
        return None, [0] * len(slots)
    words = [
        verify_storage_slot(account.storage_root, slot, _bytes_list(_object(entry), "proof"))
        for slot, entry in zip(slots, entries)
    ]
    return account, words


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return value


def _bytes(fields: Mapping[str, Any], name: str) -> bytes:
    return _unhex(fields[name], name)


def _bytes_list(fields: Mapping[str, Any], name: str) -> list[bytes]:
    values = fields[name]
    if not isinstance(values, list) or len(values) > PROOF_ITEMS_MAX:
        raise ValueError(f"{name} is no list of at most {PROOF_ITEMS_MAX}")
    return [_unhex(value, name) for value in values]


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields[name]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{name} is no number")
    return int(value, 16)


def _unhex(value: object, name: str) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{name} is no hexadecimal string")
    return bytes.fromhex(value[2:])
