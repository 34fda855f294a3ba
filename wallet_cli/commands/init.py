"""`sycee init`: a network file, its trust root, and preferences.

Opens no connection, so it works before any node runs.
"""

from pathlib import Path

import click

from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import GENESIS_BYTES_MAX, decode_genesis, document_hash
from consensus.light.verify import genesis_set_payload
from wallet_cli.cli import Need, wallet_command
from wallet_cli.errors import PolicyRefused, UsageRefused
from wallet_cli.files import PRIVATE_FILE_MODE, make_private_folder, validate_private
from wallet_cli.home import (
    Network,
    Preferences,
    load_network,
    load_preferences,
    save_network,
    save_preferences,
    validate_endpoints,
    validate_name,
)
from wallet_cli.session import Session

NEEDS: tuple[Need, ...] = ()


@wallet_command(
    "init",
    needs=NEEDS,
    examples=(
        "sycee init --network devnet --genesis genesis.json --rpc http://127.0.0.1:8545",
        "sycee init --network devnet --genesis genesis.json --rpc http://127.0.0.1:8545 --yes",
    ),
)
@click.option("--genesis", "genesis_path", required=True, metavar="FILE", help="The network's genesis document.")
@click.option("--replace", is_flag=True, help="Replace a trust root that differs from this one.")
def init(session: Session, genesis_path: str, replace: bool) -> None:
    """Set up a network: its genesis document is what this wallet will believe.

    The document names the validators. Every header shown later is checked against their signatures, so get the
    document from somebody you trust, and compare its hash.
    """
    settings, home = session.settings, session.home
    content = _read_document(Path(genesis_path))
    try:
        document = decode_genesis(content)
    except InvalidGenesis as error:
        raise UsageRefused(
            f"{genesis_path}: {error}",
            why="the document is the wallet's only trust root",
            next_step="get the network's genesis document again",
            code="GENESIS_INVALID",
        ) from error
    name = validate_name(settings.network or document.name, "a network")
    root = document_hash(content)
    network = Network(
        name=name,
        chain_id=document.chain_id,
        document_hash=root,
        validator_set=genesis_set_payload(document),
        endpoints=validate_endpoints(settings.rpc),
        accepted_ms=settings.now_ms(),
    )
    if home.network_file(name).exists():
        known = load_network(home, name)
        if known.document_hash != root and not replace:
            raise PolicyRefused(
                f"network {name} is trusted by document 0x{known.document_hash.hex()}, this one is 0x{root.hex()}",
                why="a trust root is never replaced silently",
                next_step=f"sycee init --network {name} --genesis {genesis_path} --rpc URL --replace",
                code="TRUST_ROOT_EXISTS",
            )
    if settings.password_file:
        _validate_password_file(Path(settings.password_file))
    session.output.say(
        f"network {name}, chain {network.chain_id}, {len(document.validators)} validators\n"
        f"genesis document 0x{root.hex()}"
    )
    session.output.confirm(
        "Is this the document you were given?",
        is_yes=settings.is_yes,
        next_step="compare the hash and repeat with --yes",
    )
    make_private_folder(home.data)
    if home.network_file(name).exists() and load_network(home, name).document_hash != root:
        _set_aside(session, name)
    save_network(home, network)
    known_preferences = load_preferences(home)
    save_preferences(
        home,
        Preferences(
            network=name,
            account=known_preferences.account,
            password_file=str(Path(settings.password_file).resolve())
            if settings.password_file
            else known_preferences.password_file,
        ),
    )
    record = {"network": name, "chainId": network.chain_id, "documentHash": "0x" + root.hex(), "home": str(home.data)}
    session.output.result(record, f"network {name} is set up in {home.config}")


def _read_document(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(GENESIS_BYTES_MAX + 1)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be read: {error.strerror}",
            why="init needs the network's genesis document",
            next_step=f"ls -l {path}",
            code="GENESIS_INVALID",
        ) from error


def _validate_password_file(path: Path) -> None:
    try:
        validate_private(path, PRIVATE_FILE_MODE)
    except OSError as error:
        raise UsageRefused(
            f"password file {path} cannot be read: {error.strerror}",
            why="it will be read by every command that needs a key",
            next_step=f"ls -l {path}",
            code="PASSWORD_FILE",
        ) from error


def _set_aside(session: Session, name: str) -> None:
    """Keep what was verified under the old trust root, out of the way of the new one."""
    folder = session.home.network_data(name)
    if folder.exists():
        folder.rename(folder.with_name(f"{name}.before-{session.settings.now_ms()}"))
