"""`sycee contract`: deploy, call and read contracts, typed by their ABI; what is sent is shown decoded first."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from consensus.chain.transaction import created_address
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.abi import AbiDecodeError, AbiValue, ValueDoesNotFit, encode
from contracts.abi_json import InvalidAbiJson
from contracts.declarations import FunctionDeclaration, Parameter, decode_event, decoder_of, encode_call, types_of
from contracts.loader import artifact_names, load
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Currency, format_units
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.client import RpcRefused
from wallet_cli.contract_aliases import (
    KnownContract,
    find_contract,
    import_aliases,
    load_aliases,
    save_alias,
    source_of,
)
from wallet_cli.contract_arguments import parse_arguments, value_record, value_text
from wallet_cli.contract_files import ContractFile, open_contract
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import TransactionRefused, UsageRefused
from wallet_cli.outbox import Intent
from wallet_cli.output import Proof
from wallet_cli.payments import payments_in
from wallet_cli.screens import payment_line, payment_record
from wallet_cli.session import Session
from wallet_cli.transactions import EXECUTION_REVERTED, provable_head, revert_text
from wallet_cli.verified import FinalTransaction, Head, ask_any, proof_failed, refused_answer

GAS_LIMIT_MAX: Final = 30_000_000
"""Highest gas limit signed for one call or deployment: a block of the usual size. Gas costs nothing."""

LOGS_SHOWN: Final = 1_000

_ALICE: Final = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
_EURO: Final = "0x5CEE100000000000000000000000000000000002"
_BOTH: Final = (Need.NETWORK, Need.KEY)

abi_option = click.option("--abi", "source", metavar="NAME|FILE", help="What the contract understands.")


@wallet_command("list", needs=(), examples=("sycee contract list", "sycee contract list --json"))
def list_(session: Session) -> None:
    """List the contracts that this network ships, and those this wallet has names for."""
    shipped = [{"name": name, "deployable": bool(load(name).init_code)} for name in artifact_names()]
    lines = [
        f"  {entry['name']:<24}{'deploy it' if entry['deployable'] else 'part of the ledger'}" for entry in shipped
    ]
    named: list[dict[str, object]] = []
    if session.settings.network or session.preferences.network:
        for name, known in load_aliases(session).items():
            named.append({"name": name, "address": checksum_address(known.address), "source": known.source})
            lines.append(f"  {name:<24}{checksum_address(known.address)}  {known.source}")
    session.output.result([*shipped, *named], "\n".join(lines))


@wallet_command("abi", needs=(), examples=("sycee contract abi Currency", "sycee contract abi Escrow"))
@click.argument("name")
def abi(session: Session, name: str) -> None:
    """Print the ABI of a contract as JSON, for other tools."""
    found = open_contract(name)
    session.output.result([{"name": found.name, "abi": found.abi}], json.dumps(found.abi, indent=1))


@wallet_command(
    "alias",
    needs=(),
    examples=(f"sycee contract alias euro {_EURO}", f"sycee contract alias bond {_ALICE} --abi BondToken"),
)
@click.argument("name")
@click.argument("address")
@abi_option
def alias(session: Session, name: str, address: str, source: str | None) -> None:
    """Give a contract a name in this wallet."""
    place, contract = find_contract(session, address, source)
    save_alias(session, name, KnownContract(place, source_of(source or contract.name)))
    session.output.result({"name": name, "address": checksum_address(place)}, f"{name} is {checksum_address(place)}")


@wallet_command(
    "import",
    needs=(),
    examples=("sycee contract import devnet/devnet.json", "sycee contract import devnet/devnet.json --json"),
)
@click.argument("file", type=click.Path(path_type=Path))
def import_(session: Session, file: Path) -> None:
    """Name the contracts that a network's devnet.json lists, SettlementEngine and the others."""
    known = import_aliases(session, file)
    record = [{"name": name, "address": checksum_address(entry.address)} for name, entry in known.items()]
    lines = [f"  {name:<24}{checksum_address(entry.address)}" for name, entry in known.items()]
    session.output.result(record, "\n".join(lines))


@wallet_command(
    "deploy",
    needs=_BOTH,
    examples=("sycee contract deploy HashedTimelock --yes", "sycee contract deploy Escrow --as escrow --yes"),
)
@click.argument("name", metavar="NAME|FILE")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
@click.option("--as", "name_given", metavar="NAME", help="Remember it under this name.")
def deploy(session: Session, name: str, arguments: tuple[str, ...], name_given: str | None) -> None:
    """Create a contract, shipped or from a JSON file, and return when it is final; prints its address."""
    contract = open_contract(name)
    if not contract.init_code:
        raise UsageRefused(
            f"{contract.name} cannot be deployed",
            why="it is part of the ledger, or its file has no bytecode",
            next_step="sycee contract list",
            code="NOT_DEPLOYABLE",
        )
    head = provable_head(session)
    currencies = load_currencies(session, head)
    constructor = contract.interface.constructor
    values = parse_arguments(session, constructor, arguments, currencies)
    try:
        data = contract.init_code + encode(types_of(constructor), values)
    except ValueDoesNotFit as error:
        raise _does_not_fit(error) from error
    intent = Intent(session.account().address, None, data)
    shown = _shown(session, constructor, values)
    found = _transact(session, head, intent, ["Deploy a contract", f"  contract            {contract.name}", *shown])
    if found is None:
        return
    address = created_address(intent.sender, found.transaction.nonce)
    if name_given:
        save_alias(session, name_given, KnownContract(address, source_of(name)))
    record = {
        "address": checksum_address(address),
        "hash": f"0x{found.transaction.hash.hex()}",
        "height": found.proof.height,
    }
    lines = [checksum_address(address), final_line(found.proof)]
    session.output.result(record, "\n".join([*lines, f"0x{found.transaction.hash.hex()}"]), proof=found.proof)


@wallet_command(
    "call",
    needs=(Need.NETWORK,),
    examples=(f"sycee contract call {_EURO} balanceOf {_ALICE}", f"sycee contract call {_EURO} totalSupply --json"),
)
@click.argument("contract")
@click.argument("function")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
@abi_option
def call(session: Session, contract: str, function: str, arguments: tuple[str, ...], source: str | None) -> None:
    """Ask a contract, without a transaction. The answer is one node's word: UNVERIFIED."""
    address, known = find_contract(session, contract, source)
    currencies = _understood(address, load_currencies(session, session.verifier.head()))
    declared, data, _ = _encode(session, known, function, arguments, currencies)
    request = {"to": f"0x{address.hex()}", "data": f"0x{data.hex()}"}
    if session.settings.sender or session.preferences.account:
        request["from"] = f"0x{session.account().address.hex()}"
    try:
        answer = session.client.call("eth_call", request, "latest")
    except RpcRefused as error:
        if error.code != EXECUTION_REVERTED:
            raise refused_answer(error) from error
        raise TransactionRefused(
            f"{declared.name} reverts: {revert_text(error)}",
            why="the contract refuses this call",
            next_step="correct the arguments, or call from another account: --from NAME",
            code="WOULD_REVERT",
            reason=error.reason,
        ) from error
    try:
        values = decoder_of(declared.results)(bytes.fromhex(str(answer.result)[2:]), 0)
    except (AbiDecodeError, ValueError) as error:
        raise proof_failed(answer.endpoint, error) from error
    proof = Proof("unverified")
    lines = _shown(session, declared.results, values, _currency_at(address, currencies)) or ["  nothing"]
    record = {
        item.name or str(at): value_record(value) for at, (item, value) in enumerate(zip(declared.results, values))
    }
    session.output.result(record, "\n".join([*lines, f"  {proof.label()}"]), proof=proof)


@wallet_command(
    "send",
    needs=_BOTH,
    examples=(
        f"sycee contract send {_EURO} approve {_ALICE} 500 --yes",
        f"sycee contract send {_EURO} approve bob 500 --dry-run",
    ),
)
@click.argument("contract")
@click.argument("function")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
@abi_option
def send(session: Session, contract: str, function: str, arguments: tuple[str, ...], source: str | None) -> None:
    """Call a contract in a transaction, and return when it is final and proven, with the money it moved."""
    address, known = find_contract(session, contract, source)
    head = provable_head(session)
    currencies = load_currencies(session, head)
    declared, data, values = _encode(session, known, function, arguments, _understood(address, currencies))
    title = [
        "Call a contract",
        f"  contract            {known.name} {checksum_address(address)}",
        f"  function            {declared.name}",
        *_shown(session, declared.parameters, values, _currency_at(address, currencies)),
    ]
    found = _transact(session, head, Intent(session.account().address, address, data), title)
    if found is None:
        return
    payments = payments_in(found, currencies)
    names: dict[bytes, str] = {place: name for name, place in session.contacts.items()}
    names |= {account.address: account.name for account in session.accounts}
    lines = [final_line(found.proof), f"0x{found.transaction.hash.hex()}"]
    record = {
        "hash": f"0x{found.transaction.hash.hex()}",
        "height": found.proof.height,
        "payments": [payment_record(payment) for payment in payments],
    }
    moved = [f"  moved               {payment_line(payment, names)}" for payment in payments]
    session.output.result(record, "\n".join([*lines, *moved]), proof=found.proof)


@wallet_command(
    "logs",
    needs=(Need.NETWORK,),
    examples=(f"sycee contract logs {_EURO} Transfer", f"sycee contract logs {_EURO} Memo --json"),
)
@click.argument("contract")
@click.argument("event")
@click.option("--from-height", type=click.IntRange(0), default=0, metavar="H", help="Begin here (default: genesis).")
@abi_option
def logs(session: Session, contract: str, event: str, from_height: int, source: str | None) -> None:
    """List what a contract logged, decoded; at most the first 1 000. One node's word: UNVERIFIED."""
    address, known = find_contract(session, contract, source)
    declared = next((item for item in known.interface.events if item.name == event), None)
    if declared is None:
        raise UsageRefused(
            f"{known.name} has no event {event!r}",
            why=f"its events are: {', '.join(item.name for item in known.interface.events)}",
            next_step="type one of these",
            code="EVENT_UNKNOWN",
        )
    question = {"address": f"0x{address.hex()}", "topics": [f"0x{declared.topic.hex()}"], "fromBlock": hex(from_height)}
    answer = ask_any(session.client, "sycee_getLogs", question, None, LOGS_SHOWN)
    lines, records = [], []
    try:
        for found in answer.result["logs"]:
            topics = [bytes.fromhex(topic[2:]) for topic in found["topics"]]
            values = decode_event(declared, topics, bytes.fromhex(found["data"][2:]))
            height = int(found["blockNumber"], 16)
            shown = " ".join(
                f"{item.name}={value_text(session, item.type, values[item.name])}" for item in declared.parameters
            )
            lines.append(f"{height:>9}  {shown}")
            arguments = {name: value_record(value) for name, value in values.items()}
            records.append({"height": height, "transaction": found["transactionHash"], "arguments": arguments})
    except (AbiDecodeError, ValueError, KeyError, TypeError) as error:
        raise proof_failed(answer.endpoint, error) from error
    proof = Proof("unverified")
    session.output.result(records, "\n".join([*lines, f"  {len(records)} logs   {proof.label()}"]), proof=proof)


contract = WalletGroup(
    "contract",
    table={
        "list": ("wallet_cli.commands.contract:list_", "which contracts there are"),
        "abi": ("wallet_cli.commands.contract:abi", "print an ABI for other tools"),
        "alias": ("wallet_cli.commands.contract:alias", "name a contract"),
        "import": ("wallet_cli.commands.contract:import_", "name the contracts of a network"),
        "deploy": ("wallet_cli.commands.contract:deploy", "create a contract"),
        "call": ("wallet_cli.commands.contract:call", "ask a contract"),
        "send": ("wallet_cli.commands.contract:send", "call a contract in a transaction"),
        "logs": ("wallet_cli.commands.contract:logs", "what a contract logged"),
    },
    help="Deploy, call and read contracts.",
)


def _encode(
    session: Session, known: ContractFile, function: str, arguments: Sequence[str], currencies: Sequence[Currency]
) -> tuple[FunctionDeclaration, bytes, Sequence[AbiValue]]:
    try:
        declared = known.interface.function(function)
    except InvalidAbiJson as error:
        raise UsageRefused(
            f"{known.name} has no function {function!r}",
            why=f"its functions are: {', '.join(sorted(item.name for item in known.interface.functions))}",
            next_step="type one of these",
            code="FUNCTION_UNKNOWN",
        ) from error
    values = parse_arguments(session, declared.parameters, arguments, currencies)
    try:
        return declared, encode_call(declared, *values), values
    except ValueDoesNotFit as error:
        raise _does_not_fit(error) from error


def _shown(
    session: Session, parameters: Sequence[Parameter], values: Sequence[AbiValue], currency: Currency | None = None
) -> list[str]:
    """Return a line for each value; whole words that a currency takes or gives are amounts of it."""
    lines = []
    for item, value in zip(parameters, values, strict=True):
        text = value_text(session, item.type, value)
        if currency is not None and item.type.canonical == "uint256" and isinstance(value, int):
            text = f"{text:<16} {format_units(value, currency.decimals)} {currency.code}"
        lines.append(f"  {item.name or item.type.canonical:<20}{text}")
    return lines


def _understood(address: Address, currencies: Sequence[Currency]) -> Sequence[Currency]:
    """Return the currencies whose amounts a contract can mean: a currency means its own and no other."""
    own = _currency_at(address, currencies)
    return currencies if own is None else [own]


def _currency_at(address: Address, currencies: Sequence[Currency]) -> Currency | None:
    return next((currency for currency in currencies if currency.address == address), None)


def _transact(session: Session, head: Head, intent: Intent, screen: list[str]) -> FinalTransaction | None:
    """Show, ask, sign, send and prove; None on a dry run. The same command again resumes what was signed before."""
    account = session.account()
    digest = keccak256(intent.data).hex()
    lines = [
        *screen,
        f"  from                {account.name}",
        f"  calldata            {len(intent.data)} bytes, keccak 0x{digest[:16]}…",
    ]
    deed = Deed(intent, "\n".join(lines), {"data": f"0x{intent.data.hex()}"}, GAS_LIMIT_MAX)
    return carry_out(session, head, account, lambda: deed, is_same=intent.__eq__)


def _does_not_fit(error: ValueDoesNotFit) -> UsageRefused:
    return UsageRefused(
        f"an argument does not fit: {error}",
        why="the ledger would refuse it",
        next_step="correct it and repeat the command",
        code="ARGUMENT_INVALID",
    )
