"""Writes state tests of what Prague added, for the executable specification to fill in.

    python -m tests.conformance.prague_cases OUT [--seeds N]

ethereum/tests ends with Cancun. These cases are about authorizations (EIP-7702), the least price of call data
(EIP-7623) and points of BLS12-381 (EIP-2537): from each seed accounts that delegate to each other, contracts that call
them in every way, and a transaction with good and bad authorizations. Equal seeds give equal files.
"""

import argparse
import json
from pathlib import Path
from random import Random
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

SENDER: Final[LocalAccount] = Account.from_key("0x" + "45" * 32)
AUTHORITIES: Final[list[LocalAccount]] = [Account.from_key(f"0x{number:064x}") for number in range(0xA1, 0xA5)]
CONTRACTS: Final = [f"0x{number:040x}" for number in range(0xC0DE01, 0xC0DE06)]
PRECOMPILES: Final = [f"0x{number:040x}" for number in (1, 2, 4, 9, 0x0B, 0x0C, 0x10, 0x11)]
NOBODY: Final = "0x" + "99" * 20
ZERO: Final = "0x" + "00" * 20
ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
POINT: Final = (
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
)
"""The generator of the first group."""

ENVIRONMENT: Final = {
    "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
    "currentGasLimit": "0x055d4a80",
    "currentNumber": "0x01",
    "currentTimestamp": "0x03e8",
    "currentRandom": "0x" + "00" * 32,
    "currentDifficulty": "0x00",
    "currentBaseFee": "0x07",
    "currentExcessBlobGas": "0x00",
    "previousHash": "0x" + "5e" * 32,
}

CASES_PER_FILE: Final = 200

# Any: public files' fields.
Fields = dict[str, Any]


def push(value: int, width: int) -> str:
    return f"{0x5F + width:02x}{value:0{2 * width}x}"


class Case:
    """One state test, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._accounts = [account.address.lower() for account in AUTHORITIES]
        self.name = f"prague_{seed}"

    def fields(self) -> Fields:
        """Return the test without its results."""
        draw = self._random
        sender = SENDER.address.lower()
        pre: Fields = {sender: self._account(balance=10**21)}
        for contract in CONTRACTS:
            pre[contract] = self._account(nonce=1, balance=draw.choice([0, 10**6]), code=self._code())
        for authority in self._accounts:
            if draw.random() < 0.6:
                pre[authority] = self._account(
                    nonce=draw.choice([0, 0, 1, 5]),
                    # Never empty: no state holds such an account.
                    balance=draw.choice([1, 1, 10**9]),
                    code=draw.choice(["", "", f"ef0100{draw.choice(self._targets())[2:]}", "5f5f5500"]),
                    storage={"0x00": "0x07"} if draw.random() < 0.3 else {},
                )
        transaction: Fields = {
            "nonce": "0x00",
            "maxFeePerGas": "0x0a",
            "maxPriorityFeePerGas": "0x01",
            "gasLimit": [hex(draw.choice([60_000, 100_000, 300_000, 1_000_000]))],
            "to": draw.choice([*CONTRACTS, *self._accounts, sender]),
            "value": [hex(draw.choice([0, 0, 1, 10**5]))],
            "data": ["0x" + self._data()],
            "accessLists": [self._access_list()],
            "sender": sender,
            "secretKey": "0x" + bytes(SENDER.key).hex(),
        }
        if draw.random() < 0.8:
            transaction["authorizationList"] = [self._authorization() for _ in range(draw.randint(1, 4))]
        return {
            "env": ENVIRONMENT,
            "pre": pre,
            "transaction": transaction,
            "post": {"Prague": [{"indexes": {"data": 0, "gas": 0, "value": 0}}]},
        }

    def _account(
        self, *, nonce: int = 0, balance: int = 0, code: str = "", storage: dict[str, str] | None = None
    ) -> Fields:
        return {"nonce": hex(nonce), "balance": hex(balance), "code": "0x" + code, "storage": storage or {}}

    def _targets(self) -> list[str]:
        return [*CONTRACTS, *self._accounts, *PRECOMPILES, NOBODY]

    def _authorization(self) -> Fields:
        draw = self._random
        signer = draw.choice([*AUTHORITIES, *AUTHORITIES, SENDER])
        address = draw.choice([*CONTRACTS, *CONTRACTS, *self._accounts, *PRECOMPILES[:2], ZERO])
        chain_id, nonce = draw.choice([0, 1, 1, 1, 2]), draw.choice([0, 0, 0, 1, 1, 5, 2**64 - 1])
        # Any: the declared type is that of another signature.
        signed: Any = signer.sign_authorization({"chainId": chain_id, "address": address, "nonce": nonce % 2**64})
        r, s, y_parity = signed.r, signed.s, signed.y_parity
        match draw.randint(0, 19):
            case 0:
                s, y_parity = ORDER - s, 1 - y_parity
            case 1:
                r = 0
            case 2:
                y_parity = draw.choice([2, 27, 255])
            case 3:
                s = draw.choice([0, 1, ORDER - 1, ORDER])
            case 4:
                r = draw.getrandbits(255)
        return {
            "chainId": hex(chain_id),
            "address": address,
            "nonce": hex(nonce),
            "v": hex(y_parity),
            "r": hex(r),
            "s": hex(s),
            "signer": signer.address.lower(),
        }

    def _access_list(self) -> list[Fields]:
        draw = self._random
        if draw.random() < 0.6:
            return []
        return [
            {"address": address, "storageKeys": ["0x" + "00" * 32] if draw.random() < 0.5 else []}
            for address in draw.sample(self._targets(), 2)
        ]

    def _data(self) -> str:
        draw = self._random
        return draw.choice(
            [
                "",
                draw.randbytes(draw.randint(1, 40)).hex(),
                draw.randbytes(1).hex() * draw.choice([500, 1_500]),
                "00" * 2_000,
                POINT,
                POINT + POINT,
                POINT + draw.randbytes(32).hex(),
            ]
        )

    def _code(self) -> str:
        """Return a few steps, each harmless to the stack, and an end."""
        draw = self._random
        # The call data lies in memory from the beginning.
        steps = ["365f5f37"]
        for _ in range(draw.randint(2, 7)):
            target = push(int(draw.choice([*self._targets(), *self._accounts]), 16), 20)
            gas = draw.choice(["5a", push(draw.choice([0, 2_300, 30_000]), 3)])
            value = draw.choice(["5f", "5f", "6001"])
            slot = push(draw.randint(0, 3), 1)
            steps.append(
                draw.choice(
                    [
                        f"60205f365f{value}{target}{gas}f1{slot}55",
                        f"60205f365f{value}{target}{gas}f2{slot}55",
                        f"60205f365f{target}{gas}f4{slot}55",
                        f"60205f365f{target}{gas}fa{slot}55",
                        f"{target}3b{slot}55",
                        f"{target}3f{slot}55",
                        f"{target}31{slot}55",
                        f"60205f6040{target}3c604051{slot}55",
                        f"33{slot}55",
                        f"30{slot}55",
                        f"{slot}54600101{slot}55",
                        f"32{slot}5d{slot}5c{slot}55",
                        "5f5ff050" if draw.random() < 0.5 else f"365f5ff0{slot}55",
                        f"6007365f5ff5{slot}55",
                        "365fa0",
                        f"3d{slot}55",
                        f"38{slot}55",
                    ]
                )
            )
        end = draw.choice(["00", "365ff3", "60205ff3", "60205ffd", "fe", f"{push(int(NOBODY, 16), 20)}ff", "00"])
        return "".join(steps) + end


def main() -> None:
    """Write all cases, CASES_PER_FILE in a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=40)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for first in range(0, options.seeds, CASES_PER_FILE):
        cases = [Case(seed) for seed in range(first, min(first + CASES_PER_FILE, options.seeds))]
        content = {case.name: case.fields() for case in cases}
        (options.out / f"prague_{first}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
