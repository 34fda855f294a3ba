"""Offline money as the ledger has it: words that this wallet proves and has certified, and terms it finds again.

Terms name themselves: the word at the slot of their digest is the proof that they were opened, whoever listed them.
Source: offline.md §5, §7, §13.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from consensus.light.attestation import Attestation, AttestedKind, revocations_hash
from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiDecodeError, AbiValue
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import decode_event
from contracts.offline.errors import RuleBroken
from contracts.offline.lock_rules import OfflineWord, decode_word, encode_word
from contracts.offline.purse_rules import class_id
from contracts.offline.slots import lock_word_slot, open_nonce_slot, purse_word_slot
from contracts.offline.typed_data import LockTerms, PurseTerms, lock_id, purse_id
from wallet_cli.addresses import checksum_address
from wallet_cli.client import RpcRefused, RpcSilent
from wallet_cli.deals.desk import Desk, open_desk
from wallet_cli.errors import NetworkUnreachable, UsageRefused
from wallet_cli.offline import payer_tables
from wallet_cli.offline.certificates import QuorumMissing, certify
from wallet_cli.offline.domain import separator_of
from wallet_cli.offline.messages import CertifiedWord, Revocations
from wallet_cli.offline.online_trust import seconds, update_trust
from wallet_cli.session import Session
from wallet_cli.transactions import POLL_MS, provable_head
from wallet_cli.verified import Head, ask_any, ask_at, proof_failed

LOGS_PAGE: Final = 1_000
PAGES_MAX: Final = 100
"""Pages of logs read at most: a hundred thousand locks of one account."""

_KIND_NAMES: Final = {
    AttestedKind.LOCK: "lock",
    AttestedKind.PURSE: "purse",
    AttestedKind.REVOCATIONS: "revocations",
}


@dataclass(frozen=True, slots=True)
class ProvenWord:
    """A word of a lock or purse under a proven header; nothing if all is zero."""

    word: OfflineWord
    head: Head

    @property
    def is_live(self) -> bool:
        """Tell whether money is in it."""
        return self.word.deposit > 0


def open_offline_desk(session: Session, *, is_reading: bool = False) -> Desk:
    """Return the desk of the system contract. Raises: UsageRefused, ProofInvalid, NetworkUnreachable."""
    return open_desk(session, checksum_address(OFFLINE_LOCKS), is_reading=is_reading)


def read_open_nonce(desk: Desk) -> int:
    """Return the number that the next terms of who acts must carry, proven. Raises: ProofInvalid."""
    return read_slot(desk.session, desk.head, open_nonce_slot(desk.actor.address))


def read_slot(session: Session, head: Head, slot: int) -> int:
    """Return one word of the contract's storage, proven. Raises: ProofInvalid, NetworkUnreachable."""
    return session.verifier.read_account(head, OFFLINE_LOCKS, [slot])[1][0]


def read_word(session: Session, kind: AttestedKind, id: Hash32, head: Head | None = None) -> ProvenWord:
    """Return the word of a lock or purse, proven. Raises: ProofInvalid, NetworkUnreachable."""
    at = head or provable_head(session)
    slot = lock_word_slot(id) if kind is AttestedKind.LOCK else purse_word_slot(id)
    # Whole words of 32 bytes.
    return ProvenWord(decode_word(read_slot(session, at, slot).to_bytes(32, "big")), at)


def certify_word(session: Session, kind: AttestedKind, id: Hash32) -> CertifiedWord | None:
    """Prove a word, collect a quorum's signatures for it, and return both; None if there is no money in it.

    Raises: ProofInvalid; NetworkUnreachable if too few validators sign within `--timeout`.
    """
    deadline_ms = session.settings.now_ms() + session.settings.timeout_ms
    with session.output.progress(f"collecting attestations of the {_KIND_NAMES[kind]}"):
        while True:
            found = read_word(session, kind, id)
            if not found.is_live:
                return None
            trust = update_trust(session, found.head)
            fact = _fact(kind, id, found, trust.newest.number)
            try:
                return CertifiedWord(found.word, certify(trust.domain, trust.newest, fact, _ask_all(session, fact)))
            except QuorumMissing as error:
                if session.settings.now_ms() >= deadline_ms:
                    raise _too_few(error) from error
            # Nodes that are a block behind sign a moment later.
            session.settings.pause_ms(POLL_MS)


def certify_revocations(session: Session) -> Revocations:
    """Return the newest list of revoked purses and owners with a quorum's signatures, as it can be passed on.

    Raises: ProofInvalid; NetworkUnreachable if too few validators sign within `--timeout`.
    """
    deadline_ms = session.settings.now_ms() + session.settings.timeout_ms
    while True:
        head = provable_head(session)
        trust = update_trust(session, head)
        height, time_s = head.final.header.height, seconds(head)
        answer = ask_at(session.client, head.endpoint, "sycee_getRevocations", height)
        try:
            prefixes = tuple(sorted({bytes.fromhex(text[2:]) for text in answer["prefixes"]}))
        except (ValueError, KeyError, TypeError) as error:
            raise proof_failed(head.endpoint, error) from error
        word = len(prefixes).to_bytes(32, "big")
        name = revocations_hash(prefixes)
        fact = Attestation(AttestedKind.REVOCATIONS, name, word, trust.newest.number, height, time_s)
        try:
            certificate = certify(trust.domain, trust.newest, fact, _ask_all(session, fact))
            return Revocations(session.network.chain_id, certificate, prefixes)
        except QuorumMissing as error:
            if session.settings.now_ms() >= deadline_ms:
                raise _too_few(error) from error
        session.settings.pause_ms(POLL_MS)


def keep_lock(session: Session, terms: LockTerms) -> CertifiedWord | None:
    """Store a lock with a new certificate, or that it is closed; return what was certified. Raises: as certify_word."""
    separator = separator_of(session)
    name = lock_id(separator, terms)
    certified = certify_word(session, AttestedKind.LOCK, name)
    if certified is None:
        payer_tables.close_lock(session.offline_database, name)
    else:
        payer_tables.save_lock(session.offline_database, separator, terms, certified)
    return certified


def keep_purse(session: Session, terms: PurseTerms, members: Sequence[Address]) -> CertifiedWord | None:
    """Store a purse with a new certificate, or that it is closed; return what was certified. Raises: likewise."""
    separator = separator_of(session)
    name = purse_id(separator, terms)
    certified = certify_word(session, AttestedKind.PURSE, name)
    if certified is None:
        payer_tables.close_purse(session.offline_database, name)
    else:
        payer_tables.save_purse(session.offline_database, separator, terms, certified, members)
    return certified


def find_locks(desk: Desk) -> list[LockTerms]:
    """Return the terms of every lock that who acts ever opened, as a node lists them; their words prove them."""
    return [lock_terms_of(values) for values in _events(desk, "LockOpened", [None, desk.own.rjust(32, b"\0")])]


def find_purses(desk: Desk) -> list[PurseTerms]:
    """Return the terms of every purse that who acts ever opened, as a node lists them; their words prove them."""
    return [purse_terms_of(values) for values in _events(desk, "PurseOpened", [None, desk.own.rjust(32, b"\0")])]


def find_classes(desk: Desk) -> list[Hash32]:
    """Return every class that a node lists; a slot proves who is in one."""
    return [Hash32(cast(bytes, values["classId"])) for values in _events(desk, "ClassCreated", [])]


def find_members(desk: Desk, accept_class: Hash32) -> tuple[Address, ...]:
    """Return the payees of a class: whoever lists them, their digest is the class. Raises: UsageRefused."""
    for values in _events(desk, "ClassCreated", [accept_class]):
        members = tuple(Address(member) for member in cast(Sequence[bytes], values["members"]))
        try:
            if class_id(members) == accept_class:
                return members
        except RuleBroken as error:
            desk.session.output.detail(f"a node lists an impossible class: {error}")
    raise UsageRefused(
        f"there is no class 0x{accept_class.hex()}",
        why="no node shows who is in it",
        next_step="sycee offline class create MEMBER...",
        code="CLASS_UNKNOWN",
    )


def claims_of(desk: Desk, purse: Hash32) -> list[tuple[Hash32, dict[str, AbiValue]]]:
    """Return (transaction, values) of every Claimed of a purse, as a node lists them."""
    return _listed(desk, "Claimed", [purse])


def find_release(desk: Desk, lock: Hash32) -> Hash32 | None:
    """Return the transaction that is proven to have released a lock, and so to have paid its payee; None if none is."""
    for transaction_hash, _ in _listed(desk, "LockReleased", [lock]):
        found = desk.session.verifier.finality(transaction_hash)
        if found is not None and any(
            values["lockId"] == lock for values in desk.events(found.receipt.logs, "LockReleased")
        ):
            return transaction_hash
    return None


def lock_terms_of(values: dict[str, AbiValue]) -> LockTerms:
    """Return the terms in a LockOpened."""
    payer, payee, till, currency, signer = (
        Address(cast(bytes, values[name])) for name in ("payer", "payee", "till", "currency", "signer")
    )
    return LockTerms(payer, payee, till, currency, signer, cast(int, values["sigAlg"]), cast(int, values["openNonce"]))


def purse_terms_of(values: dict[str, AbiValue]) -> PurseTerms:
    """Return the terms in a PurseOpened."""
    owner, currency, signer, *numbers = cast(Sequence[AbiValue], values["terms"])
    sig_alg, signer_class, nonce, value, collateral, per_payee, hops, delay, accept_class, spend, claim = numbers
    return PurseTerms(
        Address(cast(bytes, owner)),
        Address(cast(bytes, currency)),
        Address(cast(bytes, signer)),
        cast(int, sig_alg),
        cast(int, signer_class),
        cast(int, nonce),
        cast(int, value),
        cast(int, collateral),
        cast(int, per_payee),
        cast(int, hops),
        cast(int, delay),
        Hash32(cast(bytes, accept_class)),
        cast(int, spend),
        cast(int, claim),
    )


def lock_tuple(terms: LockTerms) -> tuple[AbiValue, ...]:
    """Return a lock's terms as the ABI has them."""
    return (
        terms.payer,
        terms.payee,
        terms.till,
        terms.currency,
        terms.signer,
        terms.sig_alg,
        terms.open_nonce,
    )


def purse_tuple(terms: PurseTerms) -> tuple[AbiValue, ...]:
    """Return a purse's terms as the ABI has them."""
    return (
        terms.owner,
        terms.currency,
        terms.signer,
        terms.sig_alg,
        terms.signer_class,
        terms.open_nonce,
        terms.value,
        terms.collateral,
        terms.per_payee,
        terms.max_hops,
        terms.settle_delay_s,
        terms.accept_class,
        terms.spend_until_s,
        terms.claim_until_s,
    )


def _fact(kind: AttestedKind, id: Hash32, found: ProvenWord, committee: int) -> Attestation:
    height = found.head.final.header.height
    return Attestation(kind, id, encode_word(found.word), committee, height, seconds(found.head))


def _ask_all(session: Session, fact: Attestation) -> Iterator[object]:
    """Yield what each endpoint attests; nobody is believed."""
    wanted: dict[str, object] = {"kind": _KIND_NAMES[fact.kind], "height": fact.height}
    if fact.kind is not AttestedKind.REVOCATIONS:
        wanted["id"] = f"0x{fact.id.hex()}"
    for endpoint in list(session.client.living()):
        try:
            yield session.client.call_at(endpoint, "sycee_attest", wanted)
        except RpcRefused as error:
            session.output.detail(f"{endpoint} does not attest: {error.message}")
        except RpcSilent as error:
            session.client.mark_silent(error)


def _events(desk: Desk, event: str, topics: Sequence[bytes | None]) -> list[dict[str, AbiValue]]:
    """Return the values of logs of an event as a node lists them, oldest first; `topics` are its indexed values."""
    return [values for _, values in _listed(desk, event, topics)]


def _listed(desk: Desk, event: str, topics: Sequence[bytes | None]) -> list[tuple[Hash32, dict[str, AbiValue]]]:
    declared = next(item for item in desk.contract.interface.events if item.name == event)
    wanted = [f"0x{declared.topic.hex()}", *(None if topic is None else f"0x{topic.hex()}" for topic in topics)]
    question = {"address": f"0x{desk.address.hex()}", "topics": wanted, "fromBlock": "0x0"}
    found: list[tuple[Hash32, dict[str, AbiValue]]] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        answer = ask_any(desk.session.client, "sycee_getLogs", question, cursor, LOGS_PAGE)
        try:
            for log in answer.result["logs"]:
                given = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
                if all(topic in (None, given[place]) for place, topic in enumerate(topics, start=1)):
                    values = decode_event(declared, given, bytes.fromhex(log["data"][2:]))
                    found.append((Hash32(bytes.fromhex(log["transactionHash"][2:])), values))
            cursor = answer.result["nextCursor"]
        except (AbiDecodeError, ValueError, KeyError, TypeError, IndexError) as error:
            raise proof_failed(answer.endpoint, error) from error
        if cursor is None:
            break
    return found


def _too_few(error: QuorumMissing) -> NetworkUnreachable:
    return NetworkUnreachable(
        str(error),
        why="a payee without a network believes a quorum of validators, and nobody else",
        next_step="name more validators' nodes with --rpc URL, then: sycee offline sync",
        code="ATTESTATION_QUORUM",
    )
