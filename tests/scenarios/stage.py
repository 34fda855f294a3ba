"""A running devnet as a story sees it: people by name, contracts deployed with stock tools, and all that anybody has.

Nothing here knows more than web3.py and the committed artifacts.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.logs import DISCARD

from node.dev_accounts import DEV_PRIVATE_KEYS

RECEIPT_PATIENCE_S: Final = 30
TIME_PATIENCE_S: Final = 60
POLL_S: Final = 0.2

PEOPLE: Final = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "issuer", "governor")
"""Of the public development keys, in their order. The first three have money, the last two their offices."""

MEMO: Final = b"scenario".ljust(32, b"\0")

Changes = Mapping[str, Mapping[str, int]]
"""Who, then which asset (`EUR`, `EUR held`, `BOND`), then by how many minor units."""


class Surprise(AssertionError):
    """Something moved that the story does not tell, or did not move that it tells."""


class NotRefused(AssertionError):
    """Something was possible that the story says is not."""


def artifact(name: str) -> Any:
    """Return an artifact as any tool reads it."""
    return json.loads((resources.files("contracts") / "artifacts" / f"{name}.json").read_text("utf-8"))


class Stage:
    """One network."""

    def __init__(self, url: str, facts_file: Path, say: Callable[[str], None]) -> None:
        self.web3: Any = Web3(Web3.HTTPProvider(url))
        self.say = say
        """Tells the next sentence of the story."""
        self.people: dict[str, Any] = {name: Account.from_key(key) for name, key in zip(PEOPLE, DEV_PRIVATE_KEYS)}
        self._parties: dict[str, str] = {name: account.address for name, account in self.people.items()}
        self._assets: dict[str, Any] = {}
        for entry in json.loads(facts_file.read_text())["currencies"]:
            self.add_currency(entry["code"], entry["address"])

    def add_currency(self, code: str, address: str) -> Any:
        """Watch a native currency and return it."""
        self._assets[code] = self.at(address, "Currency")
        return self._assets[code]

    def currency(self, code: str) -> Any:
        """Return a native currency."""
        return self._assets[code]

    def at(self, address: str, name: str) -> Any:
        """Return the contract at an address."""
        return self.web3.eth.contract(address=to_checksum_address(address), abi=artifact(name)["abi"])

    def address(self, name: str) -> str:
        """Return the address of a person, or of a contract that was deployed under this name."""
        return self._parties[name]

    def now_s(self) -> int:
        """Return the time of the last final block, seconds since the epoch."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def wait_until(self, instant_s: int) -> None:
        """Wait until a final block is later than a second."""
        deadline = time.monotonic() + TIME_PATIENCE_S
        while self.now_s() <= instant_s:
            assert time.monotonic() < deadline, "the network's clock stands still"
            time.sleep(POLL_S)

    def send(self, who: str, call: Any) -> Any:
        """Sign a call or a deployment, send it, and return its receipt, which is final."""
        account = self.people[who]
        nonce = self.web3.eth.get_transaction_count(account.address, "pending")
        signed = account.sign_transaction(call.build_transaction({"from": account.address, "nonce": nonce}))
        transaction_hash = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=RECEIPT_PATIENCE_S)
        assert receipt["status"] == 1, f"{call} of {who} failed"
        return receipt

    def deploy(self, name: str, *arguments: Any, by: str, asset: str | None = None) -> Any:
        """Deploy a contract; it takes part under its name, and under `asset` as a token to watch."""
        made = artifact(name)
        factory = self.web3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
        receipt = self.send(by, factory.constructor(*arguments))
        contract = self.web3.eth.contract(address=receipt["contractAddress"], abi=made["abi"])
        self._parties[name] = contract.address
        if asset is not None:
            self._assets[asset] = contract
        return contract

    def logged(self, receipt: Any, event: Any) -> Any:
        """Return the values of the one event of this kind in a receipt."""
        [found] = event().process_receipt(receipt, errors=DISCARD)
        return found["args"]

    def refused(self, who: str, call: Any, error: str) -> None:
        """Try a call, which must be refused with the named error.

        Raises: NotRefused.
        """
        sender = self.people[who].address
        request = {"from": sender, "to": call.address, "data": call._encode_transaction_data()}
        answer = self.web3.provider.make_request("eth_call", [request, "latest"])
        heard = answer["error"]["message"] if "error" in answer else "nothing"
        if f"execution reverted: {error}(" not in heard:
            raise NotRefused(f"{who} should hear {error}, and hears {heard}")

    @contextmanager
    def changes(self, expected: Changes) -> Iterator[None]:
        """Compare what everybody has before and after: exactly what is expected may have changed.

        Raises: Surprise.
        """
        before = self._wealth()
        yield
        after = self._wealth()
        found: dict[str, dict[str, int]] = {}
        for (party, asset), amount in after.items():
            change = amount - before.get((party, asset), 0)
            if change:
                found.setdefault(party, {})[asset] = change
        if found != {party: dict(assets) for party, assets in expected.items()}:
            raise Surprise(f"told {expected}, happened {found}")

    def _wealth(self) -> dict[tuple[str, str], int]:
        amounts = {}
        for name, token in self._assets.items():
            for party, address in self._parties.items():
                amounts[party, name] = token.functions.balanceOf(address).call()
                if hasattr(token.functions, "positionOf"):
                    amounts[party, f"{name} held"] = token.functions.positionOf(address).call()[1]
        return amounts
