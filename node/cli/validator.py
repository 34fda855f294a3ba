"""`sycee-node validator`: a bank's place in the validator set. Writes calls for the bank's own signer; sends nothing.

The node holds no account. Each command writes one unsigned call to the registry, which the operator's (or for the
council's commands, the governor's) signer turns into a transaction.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.validators import VALIDATOR_REGISTRY as REGISTRY
from contracts.validator_keys import ValidatorKeys, is_valid_endpoint, is_valid_name, proof_bytes
from node.cli.errors import UsageError
from node.cli.homes import load_home
from node.cli.registry_reader import read_registry
from node.home import KeyPlace, NodeHome
from node.validator.keys import KeyPurpose, load_key, read_passphrase, sign_message

if TYPE_CHECKING:
    from consensus.chain.genesis import GenesisDocument
    from node.execution.genesis_state import Genesis

CALL_SCHEMA = "sycee-call/1"
CALL_GAS = 400_000
"""Gas limit written into a call: above the costliest request with its calldata; unused gas costs nothing."""

DEFAULT_RPC_URL = "http://127.0.0.1:8545"


class InvalidAddress(UsageError):
    """An account address that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not an account address: 0x and 40 hexadecimal digits")


class InvalidEndpoint(UsageError):
    """An endpoint the registry would refuse."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not an endpoint: host:port, such as validator.bank.example:25545")


class InvalidName(UsageError):
    """A name the registry would refuse."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not a validator's name: 1 to 31 of a-z, 0-9 and the dash, not a dash first")


class NothingToRotate(UsageError):
    """No newer keys than the first were made."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(f"{home} has no rotated keys yet: make them with `sycee-node keys rotate --home {home}`")


@click.group("validator")
def command() -> None:
    """Join, rotate keys, change endpoints, leave; and for the council: approve, suspend, end the epoch."""


_HOME = click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
_OUT = click.option("--out", type=click.Path(path_type=Path), help="Write the call here instead of printing it.")
_OPERATOR = click.option("--operator", required=True, metavar="ADDRESS", help="The bank's account that will sign.")
_ENDPOINTS = click.option(
    "--endpoint", "endpoints", multiple=True, required=True, metavar="HOST:PORT", help="Mesh listener; repeatable."
)


@command.command("join")
@_HOME
@_OPERATOR
@_ENDPOINTS
@click.option("--name", help="Name of the validator; default the node's.")
@_OUT
def join(home: Path, operator: str, endpoints: tuple[str, ...], name: str | None, out: Path | None) -> None:
    """Ask for a place in the set, with proof that this home holds the three keys."""
    wanted = name or load_home(home, flags={}).config.node.name
    if not is_valid_name(wanted):
        raise InvalidName(wanted)
    place = NodeHome(home).key_places()[-1]
    keys, proofs = _proven_keys(home, place, _address(operator))
    _write_call(home, "requestJoin", (wanted, *keys.each(), _checked(endpoints), *proofs), out)


@command.command("rotate")
@_HOME
@_OPERATOR
@_OUT
def rotate(home: Path, operator: str, out: Path | None) -> None:
    """Replace the three keys by those that `keys rotate` made last."""
    places = NodeHome(home).key_places()
    if len(places) == 1:
        raise NothingToRotate(home)
    keys, proofs = _proven_keys(home, places[-1], _address(operator))
    _write_call(home, "rotate", (*keys.each(), *proofs), out)


@command.command("set-endpoint")
@_HOME
@_ENDPOINTS
@_OUT
def set_endpoint(home: Path, endpoints: tuple[str, ...], out: Path | None) -> None:
    """Publish where this validator can be dialled from the next epoch on."""
    _write_call(home, "setEndpoints", (_checked(endpoints),), out)


@command.command("ready")
@_HOME
@_OUT
def ready(home: Path, out: Path | None) -> None:
    """Say that this approved validator's node is in step; it joins at the next epoch with room."""
    _write_call(home, "ready", (), out)


@command.command("leave")
@_HOME
@_OUT
def leave(home: Path, out: Path | None) -> None:
    """Give the place up at the end of the epoch. Keep the node running for one epoch more."""
    _write_call(home, "requestLeave", (), out)


@command.command("cancel")
@_HOME
@click.argument("what", type=click.Choice(["join", "rotation", "leave"]))
@_OUT
def cancel(home: Path, what: str, out: Path | None) -> None:
    """Take back a request that is not in force yet."""
    _write_call(home, f"cancel{what.capitalize()}", (), out)


@command.command("council")
@_HOME
@click.argument("decision", type=click.Choice(["approve", "reject", "suspend", "reinstate", "end-epoch"]))
@click.argument("operator", required=False, metavar="[ADDRESS]")
@_OUT
def council(home: Path, decision: str, operator: str | None, out: Path | None) -> None:
    """Write a decision of the council, to be signed by the governor's account."""
    if decision == "end-epoch":
        if operator is not None:
            raise UsageError("end-epoch concerns nobody in particular: leave ADDRESS out")
        _write_call(home, "endEpoch", (), out)
        return
    if operator is None:
        raise UsageError(f"{decision} needs the ADDRESS of the validator's operator")
    _write_call(home, decision, (_address(operator),), out)


@command.command("list")
@click.option("--rpc", "rpc_url", default=DEFAULT_RPC_URL, show_default=True, help="Any node of the network.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_members(rpc_url: str, as_json: bool) -> None:
    """Show the validators in force, and who wants to join, rotate or leave."""
    found = asyncio.run(read_registry(rpc_url))
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"epoch {found.epoch}, from height {found.first_height}")
    for member in found.members:
        notes = [
            note
            for note, is_so in (
                ("ready", member.is_ready),
                ("suspending", member.is_suspending),
                ("leaving", member.is_leaving),
                ("rotating", member.is_rotating),
            )
            if is_so
        ]
        endpoints = ",".join(member.endpoints)
        click.echo(f"  {member.name:<16}{member.status:<11}{member.operator}  {'  '.join((endpoints, *notes))}")


def _proven_keys(home: Path, place: KeyPlace, operator: Address) -> tuple[ValidatorKeys, tuple[bytes, bytes, bytes]]:
    """Return the keys at a place, and each one's proof of possession.

    Raises: UnreadablePassphrase, UnreadableKey, WrongPassphrase.
    """
    document, genesis = _genesis(home)
    passphrase = read_passphrase(home / load_home(home, flags={}).config.signer.passphrase_file)
    held = [
        load_key(place.folder, purpose, passphrase)
        for purpose in (KeyPurpose.CONSENSUS, KeyPurpose.NODE, KeyPurpose.ATTESTATION)
    ]
    keys = ValidatorKeys(held[0].public_key, held[1].public_key, held[2].public_key)
    message = proof_bytes(
        chain_id=document.chain_id,
        genesis_hash=genesis.executed.block.block_hash,
        operator=operator,
        keys=keys,
    )
    consensus_proof, tls_proof, attestation_proof = (sign_message(key, message) for key in held)
    return keys, (consensus_proof, tls_proof, attestation_proof)


def _write_call(home: Path, name: str, arguments: tuple[AbiValue, ...], out: Path | None) -> None:
    document, _ = _genesis(home)
    data = encode_call(find_function(REGISTRY, name), *arguments)
    call: Mapping[str, object] = {
        "schema": CALL_SCHEMA,
        "chainId": document.chain_id,
        "to": "0x" + VALIDATOR_REGISTRY.hex(),
        "data": "0x" + data.hex(),
        "value": "0x0",
        "gas": hex(CALL_GAS),
        "function": name,
    }
    text = json.dumps(call, indent=2)
    if out is None:
        click.echo(text)
        return
    out.write_text(text + "\n")
    click.echo(f"created {out}")
    click.echo("Next: sign and send it with the account it is for, for instance")
    click.echo(f'  cast send --rpc-url URL --gas-limit {CALL_GAS} --keystore FILE {call["to"]} "$(jq -r .data {out})"')


def _genesis(home: Path) -> "tuple[GenesisDocument, Genesis]":
    from node.app import load_genesis  # the node's libraries take a second to load; --help does not wait for them

    return load_genesis(NodeHome(home))


def _checked(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    for endpoint in endpoints:
        if not is_valid_endpoint(endpoint):
            raise InvalidEndpoint(endpoint)
    return endpoints


def _address(text: str) -> Address:
    try:
        decoded = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise InvalidAddress(text) from error
    if len(decoded) != 20 or not text.startswith("0x"):
        raise InvalidAddress(text)
    return Address(decoded)
