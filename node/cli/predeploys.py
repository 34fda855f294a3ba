"""The settlement contracts of a development network: created in its first seconds, always at the same addresses.

One development account creates them in a fixed order, so that their addresses follow from its nonces. They are
ordinary transactions: every validator executes them and `sycee-node verify` replays them like any other. A start that
was interrupted goes on where it stopped. Never used outside development networks.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.chain.transaction import created_address, sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.addresses import currency_address
from contracts.loader import load
from node.cli.errors import CommandError
from node.cli.json_rpc import RpcClient
from node.cli.ledger_reader import read_height, read_nonces
from node.cli.network_plan import CURRENCIES
from node.cli.submitter import Outgoing, RealClock, replay
from node.dev_accounts import DevAccount, checksum_address, derived_account

SINGLE_CONTRACTS: Final = (
    *("SettlementEngine", "Escrow", "FxDesk", "HashedTimelock", "Mandate", "PurposeBound", "Prepaid"),
)
"""One of each serves every currency. The order fixes the addresses, also of those for one currency, which follow."""

CURRENCY_CONTRACT: Final = "InterbankTransfer"
"""Needs to be told its reserve currency: one for each currency."""

FOLLOW_POLL_S: Final = 0.05
FOLLOW_PATIENCE_S: Final = 30.0
"""For every validator to show what is final; on a loaded machine it takes a second."""

CREATION_GAS_LIMIT: Final = 10_000_000
"""Gas each creation may use: the largest takes 2.2 million with what its transaction costs."""


class PredeployFailed(CommandError):
    """The contracts of a development network could not be created."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the settlement contracts could not be created: {reason}; start again with --fresh")


@dataclass(frozen=True, slots=True)
class Predeploy:
    """A contract that every development network has."""

    name: str
    """What wallets call it: the contract's name, with the currency's code where there is one for each."""
    artifact: str
    """Name of its ABI and code."""
    address: Address
    init_code: bytes
    """With the constructor's arguments."""

    def facts(self) -> dict[str, str]:
        """Return what `devnet.json` says of it."""
        return {"name": self.name, "abi": self.artifact, "address": checksum_address(self.address)}


def predeployer() -> DevAccount:
    """Return the account that creates the contracts and does nothing else."""
    return derived_account("predeploys")


def predeploys() -> tuple[Predeploy, ...]:
    """Return the contracts in the order of their creation, one for each nonce from zero."""
    planned = [(name, name, b"") for name in SINGLE_CONTRACTS]
    for currency_id, currency in enumerate(CURRENCIES, start=1):
        # A constructor's address argument is one word.
        argument = currency_address(currency_id).rjust(32, b"\x00")
        planned.append((f"{CURRENCY_CONTRACT}.{currency.code}", CURRENCY_CONTRACT, argument))
    creator = predeployer().address
    return tuple(
        Predeploy(name, artifact, created_address(creator, nonce), load(artifact).init_code + argument)
        for nonce, (name, artifact, argument) in enumerate(planned)
    )


def sign_predeploys(chain_id: int, *, nonce_first: int) -> list[Outgoing]:
    """Return the creations that are missing when the account's next nonce is `nonce_first`, signed."""
    signed = []
    for nonce, contract in list(enumerate(predeploys()))[nonce_first:]:
        raw = sign_dynamic_fee_transaction(
            predeployer().private_key,
            chain_id=chain_id,
            nonce=nonce,
            gas_limit=CREATION_GAS_LIMIT,
            to=None,
            data=contract.init_code,
        )
        signed.append(Outgoing(raw="0x" + raw.hex(), hash="0x" + keccak256(raw).hex()))
    return signed


async def create_predeploys(client: RpcClient, urls: Sequence[str], *, chain_id: int) -> None:
    """Create the contracts that are missing, and return when all of them are final.

    Raises: PredeployFailed, EndpointDown, RpcFailed.
    """
    [nonce] = await read_nonces(client, urls[0], [predeployer().address])
    lane = sign_predeploys(chain_id, nonce_first=nonce)
    if lane:
        first = await read_height(client, urls[0]) + 1
        done = await replay(client, urls, [lane], height_first=first, on_progress=lambda _: None, clock=RealClock())
        if len(done.settled) != len(lane):
            refused = ", ".join(item.message for item in done.refused)
            raise PredeployFailed(refused or f"{len(done.settled)} of {len(lane)} creations became final")
        await _follow(client, urls, max(item.height for item in done.settled))
    contracts = predeploys()
    codes = await client.results(
        urls[0], [("eth_getCode", ["0x" + contract.address.hex(), "latest"]) for contract in contracts]
    )
    missing = [contract.name for contract, code in zip(contracts, codes, strict=True) if code == "0x"]
    if missing:
        raise PredeployFailed(f"no code stands at the addresses of {', '.join(missing)}")


async def _follow(client: RpcClient, urls: Sequence[str], height: int) -> None:
    """Return when every validator shows a height: what is final for one reaches the others with the next message.

    Raises: PredeployFailed after FOLLOW_PATIENCE_S.
    """
    try:
        async with asyncio.timeout(FOLLOW_PATIENCE_S):
            for url in urls:
                while True:
                    if await read_height(client, url) >= height:
                        break
                    await asyncio.sleep(FOLLOW_POLL_S)
    except TimeoutError as error:
        raise PredeployFailed(f"a validator did not reach height {height} within {FOLLOW_PATIENCE_S:.0f} s") from error
