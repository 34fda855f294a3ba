"""What moved an account's money in one currency: told by a node, held against the proven balance.

A node lists the movements. The balances at both ends are proven from the ledger, and every row must lead from the one
to the other, so a movement that is added, changed or left out does not pass, unless several cancel each other out.
`prove_movements` proves the receipt of every row besides, so that none is made up.
"""

from dataclasses import dataclass, replace
from typing import Final

from consensus.chain.receipt import Receipt
from consensus.primitives.scalars import Address, Hash32, Height
from contracts.layout import balance_slot
from contracts.movements import REDEMPTION_KINDS, LedgerMovement, MovementKind, read_movements
from wallet_cli.amounts import Currency
from wallet_cli.answers import read_bytes, read_count
from wallet_cli.errors import NetworkUnreachable
from wallet_cli.memos import EMPTY_MEMO
from wallet_cli.session import Session
from wallet_cli.verified import Head, ask_at, proof_failed

PAGES_MAX: Final = 10_000
"""Pages read for one statement: millions of movements; a node that never comes to an end is broken."""

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry: money that came, went, or was set aside."""

    height: Height
    log_index: int
    """Place of its log in the block."""
    timestamp_ms: int
    """Of the block, since the Unix epoch."""
    transaction_hash: Hash32
    kind: MovementKind
    sender: Address
    """Whose money it was; zero where it was issued."""
    receiver: Address
    """Whose it became, or is to become; zero where it was destroyed or is to be redeemed."""
    amount: int
    """Minor units, never negative."""
    change: int
    """Of the account's balance, in minor units: negative when it paid or set aside, 0 when a hold of its own paid."""
    balance: int
    """After this movement, in minor units."""
    memo: bytes
    """32 bytes; zeros where there is none."""
    reference: bytes | None
    """32 bytes: id of the hold, redemption, lock or purse; None for other movements."""

    def counterparty(self, account: Address) -> Address:
        """Return who is on the other side."""
        return self.receiver if self.sender == account else self.sender

    def reference_text(self) -> str:
        """Return an id in hexadecimal or the redemption's number; empty for movements without one."""
        if self.reference is None:
            return ""
        if self.kind in REDEMPTION_KINDS:
            return str(int.from_bytes(self.reference, "big"))
        return "0x" + self.reference.hex()


@dataclass(frozen=True, slots=True)
class Statement:
    """An account's movements in one currency, without a gap, between two proven or told balances."""

    account: Address
    currency: Currency
    height_first: Height
    """First height it covers."""
    height_last: Height
    opening: int
    closing: int
    opening_ms: int
    """Time of the block whose balance it begins with: the one before the first height, or genesis."""
    closing_ms: int
    is_opening_proven: bool
    """Nodes prove balances of about a thousand heights; an older opening follows from the rows and the closing."""
    movements: tuple[Movement, ...]
    """In the order of the chain."""


def read_statement(session: Session, head: Head, account: Address, currency: Currency, first: Height) -> Statement:
    """Return the movements from height `first` to the head, checked against the proven balances at both ends.

    Raises: ProofInvalid if the rows do not lead from one to the other, NetworkUnreachable.
    """
    endpoint, last = head.endpoint, head.final.header.height
    opening: int | None = None
    movements: list[Movement] = []
    cursor: str | None = None
    with session.output.progress("reading movements") as advance:
        for _ in range(PAGES_MAX):
            answer = ask_at(
                session.client,
                endpoint,
                "sycee_getStatement",
                "0x" + currency.address.hex(),
                "0x" + account.hex(),
                first,
                last,
                cursor,
            )
            try:
                page_opening, rows, cursor = _read_page(answer)
            except (ValueError, KeyError, TypeError) as error:
                raise proof_failed(endpoint, error) from error
            opening = page_opening if opening is None else opening
            movements += rows
            advance()
            if cursor is None:
                break
        else:
            raise proof_failed(endpoint, ValueError(f"the statement does not end after {PAGES_MAX} pages"))
    assert opening is not None, "there was a page"
    before = session.verifier.head_at(endpoint, Height(max(first - 1, 0)))
    proven_opening = _proven_balance(session, before, account, currency)
    statement = Statement(
        account=account,
        currency=currency,
        height_first=first,
        height_last=last,
        opening=opening,
        closing=movements[-1].balance if movements else opening,
        opening_ms=before.final.header.timestamp_ms,
        closing_ms=head.final.header.timestamp_ms,
        is_opening_proven=proven_opening is not None,
        movements=tuple(movements),
    )
    _, (proven_closing,) = session.verifier.read_account(head, currency.address, [balance_slot(account)])
    try:
        _validate(statement, proven_opening, proven_closing)
    except ValueError as error:
        raise proof_failed(endpoint, error) from error
    return statement


def prove_movements(session: Session, head: Head, statement: Statement) -> None:
    """Prove the receipt of every movement and find it there. Raises: ProofInvalid, NetworkUnreachable."""
    receipts: dict[Hash32, Receipt] = {}
    with session.output.progress("proving movements", len(statement.movements)) as advance:
        for movement in statement.movements:
            wanted = movement.transaction_hash
            if wanted not in receipts:
                found = session.verifier.finality(wanted)
                if found is None or found.final.header.height != movement.height:
                    detail = f"transaction 0x{wanted.hex()} is not final at height {movement.height}"
                    raise proof_failed(head.endpoint, ValueError(detail))
                receipts[wanted] = found.receipt
            if not _is_in(receipts[wanted], movement, statement.currency):
                detail = f"the receipt of 0x{wanted.hex()} has no such movement of {movement.amount}"
                raise proof_failed(head.endpoint, ValueError(detail))
            advance()


def height_at(session: Session, head: Head, timestamp_ms: int) -> Height:
    """Return the first height whose block is not before an instant, as a node says; above the head if none is.

    Raises: NetworkUnreachable, ProofInvalid if an answer is no block.
    """
    low, high = 0, int(head.final.header.height) + 1
    while low < high:
        middle = (low + high) // 2
        if _time_of(session, head.endpoint, Height(middle)) < timestamp_ms:
            low = middle + 1
        else:
            high = middle
    return Height(low)


def recent_height(session: Session, head: Head, account: Address, count: int) -> Height:
    """Return the height of the account's `count`th newest transaction, 0 if it has fewer, as a node says."""
    answer = ask_at(session.client, head.endpoint, "sycee_getAddressHistory", "0x" + account.hex(), None, count)
    try:
        entries = answer["transactions"]
        return Height(int(entries[-1]["height"])) if len(entries) == count else Height(0)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise proof_failed(head.endpoint, error) from error


def _validate(statement: Statement, proven_opening: int | None, proven_closing: int) -> None:
    """Check that rows lead from balance to balance in chain order. Raises: ValueError."""
    if proven_opening is not None and statement.opening != proven_opening:
        raise ValueError(f"it begins with {statement.opening}, proven is {proven_opening}")
    balance = statement.opening
    place = (int(statement.height_first), -1)
    for movement in statement.movements:
        if not place < (movement.height, movement.log_index) <= (statement.height_last, 2**63):
            raise ValueError(f"the movement at height {movement.height}, log {movement.log_index} is out of order")
        place = (movement.height, movement.log_index)
        told = _ledger_movement(movement)
        if not told.concerns(statement.account):
            raise ValueError(f"the movement at height {movement.height}, log {movement.log_index} is not the account's")
        expected = told.change_of(statement.account)
        balance += expected
        if (movement.change, movement.balance) != (expected, balance):
            raise ValueError(f"the balance after height {movement.height}, log {movement.log_index} does not add up")
    if balance != proven_closing:
        raise ValueError(f"it ends with {balance}, proven is {proven_closing}")


def _proven_balance(session: Session, head: Head, account: Address, currency: Currency) -> int | None:
    """Return the proven balance after a past block; None if no proof of that height is kept any more."""
    try:
        _, (balance,) = session.verifier.read_account(head, currency.address, [balance_slot(account)])
    except NetworkUnreachable as error:
        if error.reason != "proof_pruned":
            raise
        return None
    return balance


def _time_of(session: Session, endpoint: str, height: Height) -> int:
    """Return the time of a block in ms, as a node says; whole seconds."""
    answer = ask_at(session.client, endpoint, "eth_getBlockByNumber", hex(height), False)
    try:
        return 1_000 * int(answer["timestamp"], 16)
    except (ValueError, KeyError, TypeError) as error:
        raise proof_failed(endpoint, error) from error


def _read_page(answer: object) -> tuple[int, list[Movement], str | None]:
    if not isinstance(answer, dict):
        raise ValueError("no statement")
    cursor = answer["nextCursor"]
    if cursor is not None and not isinstance(cursor, str):
        raise ValueError("nextCursor is no text")
    return int(answer["opening"]), [_read_movement(row) for row in answer["movements"]], cursor


def _read_movement(row: dict[str, object]) -> Movement:
    memo, reference = row["memo"], row["reference"]
    return Movement(
        height=Height(read_count(row["height"])),
        log_index=read_count(row["logIndex"]),
        timestamp_ms=read_count(row["timestampMs"]),
        transaction_hash=Hash32(read_bytes(row["transactionHash"], 32)),
        kind=MovementKind(str(row["kind"])),
        sender=Address(read_bytes(row["from"], 20)),
        receiver=Address(read_bytes(row["to"], 20)),
        amount=read_count(row["amount"]),
        change=int(str(row["change"])),
        balance=int(str(row["balance"])),
        memo=EMPTY_MEMO if memo is None else read_bytes(memo, 32),
        reference=None if reference is None else read_bytes(reference, 32),
    )


def _ledger_movement(movement: Movement) -> LedgerMovement:
    """Return the movement as its logs tell it, but for their position and its memo."""
    parties = (movement.sender, movement.receiver)
    return LedgerMovement(0, movement.kind, *parties, movement.amount, None, movement.reference)


def _is_in(receipt: Receipt, movement: Movement, currency: Currency) -> bool:
    wanted = _ledger_movement(movement)
    return any(
        replace(told, position=0, memo=None) == wanted and (told.memo or EMPTY_MEMO) == movement.memo
        for told in read_movements(receipt.logs, currency.address)
    )
