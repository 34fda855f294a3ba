"""What every command about a deal begins with: the contract, who acts, what is proven, and what must be allowed.

A deal's terms are read from the proven receipt of the transaction that made it, never from a node's word alone: the
contracts never change terms. An allowance is never larger than what the step takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from consensus.chain.receipt import Log
from consensus.primitives.scalars import ZERO_ADDRESS, Address, AmountMinor, Hash32
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import EventDeclaration, declare_function, decode_event, decoder_of, encode_call
from contracts.decoding import describe_revert
from wallet_cli.acting import Deed, carry_out, open_entry
from wallet_cli.addresses import short_address
from wallet_cli.amounts import Amount, Currency, format_amount
from wallet_cli.contract_aliases import find_contract
from wallet_cli.contract_files import ContractFile
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import ProofInvalid, TransactionRefused, UsageRefused
from wallet_cli.keystore import Account
from wallet_cli.outbox import Intent
from wallet_cli.recipients import kind_of
from wallet_cli.refusals import advice_for
from wallet_cli.screens import deed_screen, party_words, proof_words
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head
from wallet_cli.verified import FinalTransaction, Head, ask_any, proof_failed

DEAL_GAS_LIMIT_MAX: Final = 10_000_000
"""Highest gas limit signed for one step: sixteen legs that all settle use about three million."""

LOGS_ASKED_MAX: Final = 1_000
"""Logs read in one question: more deals than that are a program's business, which reads the contract's logs itself."""

ALLOWANCE: Final = declare_function("allowance(address owner, address spender)", returns="uint256")
APPROVE: Final = declare_function("approve(address spender, uint256 amount)", returns="bool", mutates=True)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a native currency, or of another token in its smallest units."""

    token: Address
    units: int
    currency: Currency | None
    """None for a token that is no native currency."""

    def __str__(self) -> str:
        if self.currency is not None:
            return format_amount(Amount(AmountMinor(self.units), self.currency))
        return f"{self.units} smallest units of {short_address(self.token)}"


@dataclass(frozen=True, slots=True)
class Desk:
    """One contract, as one account of this wallet meets it."""

    session: Session
    account: Account | None
    """Who acts; None where a deal is only shown and nobody was named."""
    head: Head
    currencies: list[Currency]
    address: Address
    contract: ContractFile

    @property
    def actor(self) -> Account:
        """Return who acts."""
        assert self.account is not None, "a desk that acts was opened with an account"
        return self.account

    @property
    def own(self) -> Address:
        """Return the address of who acts or looks; zero if nobody was named."""
        return ZERO_ADDRESS if self.account is None else self.account.address

    def money(self, token: Address, units: int) -> Money:
        """Return an amount of the token at an address."""
        currency = next((entry for entry in self.currencies if entry.address == token), None)
        return Money(token, units, currency)

    def who(self, address: Address) -> str:
        """Return somebody as screens name him."""
        name = self.session.name_of(address)
        return party_words(name or short_address(address), kind_of(self.session, address), address)

    def screen(self, title: str, fields: Sequence[tuple[str, str]], warnings: Sequence[str] = ()) -> str:
        """Return what is shown before signing."""
        where = (self.session.network.name, self.session.network.chain_id)
        checks = f"terms {proof_words(self.head.proof)}; a node tried it without revert"
        return deed_screen(title, where, fields, checks, warnings)

    def intent(self, function: str, *values: AbiValue) -> Intent:
        """Return a call of the contract."""
        return Intent(
            self.actor.address, self.address, encode_call(self.contract.interface.function(function), *values)
        )

    def ask(self, function: str, *values: AbiValue) -> Sequence[AbiValue]:
        """Return what a view answers; one node's word. Raises: ProofInvalid, NetworkUnreachable."""
        declared = self.contract.interface.function(function)
        call = {"to": f"0x{self.address.hex()}", "data": f"0x{encode_call(declared, *values).hex()}"}
        answer = ask_any(self.session.client, "eth_call", call, "latest")
        try:
            return decoder_of(declared.results)(bytes.fromhex(str(answer.result)[2:]), 0)
        except (AbiDecodeError, ValueError) as error:
            raise proof_failed(answer.endpoint, error) from error

    def transactions_with(self, event: str, topic: bytes | None = None) -> list[Hash32]:
        """Return the transactions that logged an event, with its first indexed value if one is given.

        One node's word, of which each must be proven before it is believed. Raises: ProofInvalid, NetworkUnreachable.
        """
        topics = [f"0x{self._declared(event).topic.hex()}"] + ([] if topic is None else [f"0x{topic.hex()}"])
        question = {"address": f"0x{self.address.hex()}", "topics": topics, "fromBlock": "0x0"}
        answer = ask_any(self.session.client, "sycee_getLogs", question, None, LOGS_ASKED_MAX)
        try:
            return [Hash32(bytes.fromhex(log["transactionHash"][2:])) for log in answer.result["logs"]]
        except (ValueError, KeyError, TypeError) as error:
            raise proof_failed(answer.endpoint, error) from error

    def events(self, logs: Sequence[Log], event: str) -> list[dict[str, AbiValue]]:
        """Return the values of every log of an event that this contract made."""
        declared = self._declared(event)
        return [
            decode_event(declared, log.topics, log.data)
            for log in logs
            if log.address == self.address and log.topics and log.topics[0] == declared.topic
        ]

    def terms(self, event: str, key: str, number: int) -> dict[str, AbiValue]:
        """Return what a deal was made with, from the proven receipt that made it.

        Raises: UsageRefused if no node knows the deal, ProofInvalid, NetworkUnreachable.
        """
        for transaction_hash in self.transactions_with(event, number.to_bytes(32, "big")):
            found = self.session.verifier.finality(transaction_hash)
            if found is None or not found.receipt.succeeded:
                continue
            for values in self.events(found.receipt.logs, event):
                if values[key] == number:
                    return values
        raise UsageRefused(
            f"{self.contract.name} has no number {number}",
            why="no node shows a proven transaction that made it",
            next_step=f"sycee contract logs {self.contract.name} {event}",
            code="DEAL_UNKNOWN",
        )

    def made(self, found: FinalTransaction, event: str) -> dict[str, AbiValue]:
        """Return the values of the one log that a step must leave. Raises: ProofInvalid."""
        logged = self.events(found.receipt.logs, event)
        if len(logged) != 1:
            name = "0x" + found.transaction.hash.hex()
            raise ProofInvalid(
                f"{name} is final and its receipt shows {len(logged)} {event} of {self.contract.name}, not one",
                why="the receipt is proven, so another contract than expected stands there",
                next_step=f"sycee tx show {name}",
                code="RECEIPT_UNEXPECTED",
            )
        return logged[0]

    def _declared(self, event: str) -> EventDeclaration:
        return next(item for item in self.contract.interface.events if item.name == event)


def open_desk(session: Session, contract: str, *, is_reading: bool = False) -> Desk:
    """Return the desk of the contract called so in this wallet; to read no account need be named.

    Raises: UsageRefused, ProofInvalid.
    """
    address, known = find_contract(session, contract, None)
    account = session.reader() if is_reading else session.account()
    head = provable_head(session)
    return Desk(session, account, head, load_currencies(session, head), address, known)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the contract must be allowed before a step."""

    taken: Money
    """What the step takes."""
    units: int
    """To be allowed in all."""


def missing_allowances(desk: Desk, paid: Sequence[Money], *, is_on_top: bool = False) -> list[Allowance]:
    """Return, for each token that the contract may not take yet, exactly all that it is to take of it.

    With `is_on_top` as much more as that than is allowed now, because other deals will take what is.
    """
    totals: dict[Address, int] = {}
    for money in paid:
        totals[money.token] = totals.get(money.token, 0) + money.units
    missing: list[Allowance] = []
    for token, units in totals.items():
        data = encode_call(ALLOWANCE, desk.actor.address, desk.address)
        call = {"to": f"0x{token.hex()}", "data": f"0x{data.hex()}"}
        answer = ask_any(desk.session.client, "eth_call", call, "latest")
        try:
            allowed = int(str(answer.result), 16)
        except ValueError as error:
            raise proof_failed(answer.endpoint, error) from error
        if is_on_top:
            missing.append(Allowance(desk.money(token, units), allowed + units))
        elif allowed < units:
            missing.append(Allowance(desk.money(token, units), units))
    return missing


def carry_out_paid(
    desk: Desk,
    deed: Deed,
    paid: Sequence[Money],
    *,
    is_on_top: bool = False,
    is_same: Callable[[Intent], bool],
) -> FinalTransaction | None:
    """Allow exactly what a step takes, then do the step: one screen, one question; None on a dry run.

    A crash between the transactions leaves an allowance of exactly this step; the same command goes on with the step.
    Raises: as `carry_out`.
    """
    session, account = desk.session, desk.actor
    has_begun = open_entry(session, account, is_same) is not None
    missing = [] if has_begun else missing_allowances(desk, paid, is_on_top=is_on_top)
    if not missing:
        return carry_out(session, desk.head, account, lambda: deed, is_same=is_same)
    approvals = [
        Intent(account.address, entry.taken.token, encode_call(APPROVE, desk.address, entry.units)) for entry in missing
    ]
    _require_success(desk, [*approvals, deed.intent])
    more = " more" if is_on_top else ""
    lines = [f"  allows    {desk.contract.name} to take exactly {entry.taken}{more}" for entry in missing]
    session.output.say("\n".join([deed.screen, *lines]))
    if session.settings.is_dry_run:
        record = {"dry_run": True, "allowances": [str(entry.taken) for entry in missing], **deed.record}
        session.output.result(record, "dry run: nothing was signed", proof=desk.head.proof)
        return None
    session.output.confirm(deed.question, is_yes=session.settings.is_yes, next_step="repeat with --yes to send")
    # The one question covers the allowances and the step that uses them up.
    session.settings.is_yes = True
    for entry, approval in zip(missing, approvals, strict=True):
        step = Deed(approval, f"allowing {desk.contract.name} to take {entry.taken}{more}", {}, DEAL_GAS_LIMIT_MAX)
        carry_out(session, desk.head, account, lambda step=step: step, is_same=approval.__eq__)  # type: ignore[misc]
    last = replace(deed, screen="allowed; now the step itself")
    return carry_out(session, desk.head, account, lambda: last, is_same=is_same)


def allow(desk: Desk, screen: str, money: Money, *, record: dict[str, object]) -> bool:
    """Show, ask, and let the contract take so much more than it may already; False on a dry run.

    For what somebody else's step will take later. Raises: as `carry_out`.
    """
    (entry,) = missing_allowances(desk, [money], is_on_top=True)
    intent = Intent(desk.actor.address, money.token, encode_call(APPROVE, desk.address, entry.units))
    shown = f"{screen}\n  allows    {desk.contract.name} to take exactly {money} more"
    deed = Deed(intent, shown, record, DEAL_GAS_LIMIT_MAX)
    done = carry_out(desk.session, desk.head, desk.actor, lambda: deed, is_same=intent.__eq__)
    return done is not None


def _require_success(desk: Desk, intents: Sequence[Intent]) -> None:
    """Let a node try transactions one after the other. Raises: TransactionRefused if one would revert."""
    calls = [
        {"from": f"0x{intent.sender.hex()}", "to": f"0x{(intent.to or b'').hex()}", "data": f"0x{intent.data.hex()}"}
        for intent in intents
    ]
    answer = ask_any(desk.session.client, "eth_simulateV1", {"blockStateCalls": [{"calls": calls}]}, "latest")
    try:
        results = answer.result[0]["calls"]
        failed = [entry for entry in results if int(entry["status"], 16) != 1]
        data = bytes.fromhex(str(failed[0]["error"].get("data", "0x"))[2:]) if failed else b""
        if len(results) != len(calls):
            raise ValueError(f"it tried {len(results)} of {len(calls)} calls")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise proof_failed(answer.endpoint, error) from error
    if failed:
        advice = advice_for(data)
        raise TransactionRefused(
            f"the transaction would revert: {describe_revert(data)}",
            why=f"{advice.why if advice else 'the ledger refuses it by its rules'}; nothing was signed",
            next_step=advice.next_step if advice else f"sycee balance {desk.actor.name}",
            code="WOULD_REVERT",
        )
