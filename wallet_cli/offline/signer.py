"""Who signs vouchers and spends: a key in this process, or a device behind a command. Both speak of fields, not hashes.

Only a committed intent is signed (R2), and a signature is believed after its digest was computed here and verified.
Source: offline.md §13.
"""

import json
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import sign_secp256k1
from contracts.offline.device_signatures import verify_device_signature
from contracts.offline.errors import RuleBroken
from contracts.offline.typed_data import Hop, LockTerms, PurseTerms, hop_digest, voucher_digest
from wallet_cli.errors import DeviceFailed
from wallet_cli.offline.payer_tables import StoredIntent

ANSWER_TIME_S: Final = 60
"""Seconds a device may take: a person reads its screen and presses a button."""

ANSWER_BYTES_MAX: Final = 16_384
"""Longest answer: a signature in hexadecimal has 256 digits."""


@dataclass(frozen=True, slots=True)
class VoucherFields:
    """What a device hashes and signs for a lock."""

    lock_id: Hash32
    cumulative: int
    invoice: bytes
    deposit: int
    """What the cumulative must not exceed."""


class Signer(Protocol):
    """Signs the fields of one payment with the key of an address."""

    def sign_voucher(self, key: Address, fields: VoucherFields) -> bytes:
        """Return the signature of a voucher. Raises: DeviceFailed."""

    def sign_hop(self, key: Address, hop: Hop, *, value: int) -> bytes:
        """Return the signature of a spend of a purse with `value` units. Raises: DeviceFailed."""


class SoftwareSigner:
    """Keys in this process, for as long as one command lasts. RFC 6979: the same fields give the same bytes."""

    def __init__(self, separator: Hash32, keys: Mapping[Address, bytes]) -> None:
        self._separator = separator
        self._keys = keys

    def sign_voucher(self, key: Address, fields: VoucherFields) -> bytes:
        """Return the signature of a voucher. Raises: DeviceFailed."""
        if fields.cumulative > fields.deposit:
            raise _failed("limit", f"cumulative {fields.cumulative} of a deposit of {fields.deposit}")
        digest = voucher_digest(
            self._separator, lock=fields.lock_id, cumulative=fields.cumulative, invoice=fields.invoice
        )
        return self._sign(key, digest)

    def sign_hop(self, key: Address, hop: Hop, *, value: int) -> bytes:
        """Return the signature of a spend. Raises: DeviceFailed."""
        if not hop.lo < hop.hi <= value:
            raise _failed("limit", f"units {hop.lo} to {hop.hi} of a purse of {value}")
        return self._sign(key, hop_digest(self._separator, hop))

    def _sign(self, key: Address, digest: Hash32) -> bytes:
        private_key = self._keys.get(key)
        if private_key is None:
            raise _failed("unknown_key", f"the key of 0x{key.hex()} is not on this device")
        return sign_digest(private_key, digest)


class ExternalSigner:
    """A device behind a command: one process, one JSON object a line each way."""

    def __init__(self, command: Sequence[str], *, answer_time_s: int = ANSWER_TIME_S) -> None:
        self._answer_time_s = answer_time_s
        self._number = 0
        try:
            self._process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError as error:
            raise _failed("internal", f"{command[0]} does not start: {error}") from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def sign_voucher(self, key: Address, fields: VoucherFields) -> bytes:
        """Return the device's signature of a voucher. Raises: DeviceFailed."""
        typed = {
            "lockId": "0x" + fields.lock_id.hex(),
            "cumulative": str(fields.cumulative),
            "invoice": "0x" + fields.invoice.hex(),
        }
        answer = self._ask(
            "sign_voucher", {"key": "0x" + key.hex(), "typedData": typed, "deposit": str(fields.deposit)}
        )
        return _bytes_of(answer)

    def sign_hop(self, key: Address, hop: Hop, *, value: int) -> bytes:
        """Return the device's signature of the units this wallet promised. Raises: DeviceFailed if it has others."""
        fields = {"to": "0x" + hop.to.hex(), "invoice": "0x" + hop.invoice.hex(), "lo": str(hop.lo)}
        purse = "0x" + hop.purse_id.hex()
        shown = {"key": "0x" + key.hex(), "purseId": purse}
        self._ask("open_counter", {**shown, "lo0": "0", "value": str(value)})
        answer = self._ask("sign_next", {**shown, "amount": str(hop.hi - hop.lo), "fields": fields})
        if not isinstance(answer, dict) or (answer.get("lo"), answer.get("hi")) != (str(hop.lo), str(hop.hi)):
            raise _failed("regress", f"units {hop.lo} to {hop.hi} were promised, the device signed others")
        return _bytes_of(answer.get("signature"))

    def _ask(self, method: str, params: Mapping[str, object]) -> object:
        self._number += 1
        question = json.dumps({"id": self._number, "method": method, "params": params}).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question)
        except OSError as error:
            raise _failed("internal", f"the device's process has ended: {error}") from error
        try:
            answer = parse_json(self._read_line())
        except ValueError as error:
            raise _failed("internal", f"its answer is no JSON: {error}") from error
        if not isinstance(answer, dict) or answer.get("id") != self._number:
            raise _failed("internal", f"its answer is not to question {self._number}")
        if "error" in answer:
            found = answer["error"] if isinstance(answer["error"], dict) else {}
            raise _failed(str(found.get("code", "internal")), str(found.get("message", "")))
        return answer.get("result")

    def _read_line(self) -> bytes:
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._process.stdout], [], [], self._answer_time_s)
            if not ready:
                raise _failed("busy", f"no answer within {self._answer_time_s} s")
            part = self._process.stdout.read(ANSWER_BYTES_MAX)
            if not part:
                raise _failed("internal", "the device's process has ended")
            line += part
            if len(line) > ANSWER_BYTES_MAX:
                raise _failed("internal", f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        return line


def sign_intent(
    signer: Signer, separator: Hash32, intent: StoredIntent, terms: LockTerms | PurseTerms, *, deposit: int
) -> bytes:
    """Have a committed intent signed, and verify the signature over the digest computed here.

    `deposit` is of the lock's certified word. Raises: DeviceFailed.
    """
    invoice = intent.request.invoice
    if isinstance(terms, LockTerms):
        assert intent.lock_id is not None
        digest = voucher_digest(separator, lock=intent.lock_id, cumulative=intent.hi, invoice=invoice)
        signature = signer.sign_voucher(terms.signer, VoucherFields(intent.lock_id, intent.hi, invoice, deposit))
    else:
        assert intent.purse_id is not None
        hop = Hop(intent.purse_id, intent.lo, intent.hi, intent.request.payee, invoice)
        digest = hop_digest(separator, hop)
        signature = signer.sign_hop(terms.signer, hop, value=terms.value)
    try:
        verify_device_signature(digest, signature, signer=terms.signer, sig_alg=terms.sig_alg)
    except RuleBroken as error:
        raise _failed("internal", f"its signature is not of the payment: {error}") from error
    return signature


def sign_digest(private_key: bytes, digest: Hash32) -> bytes:
    """Sign with secp256k1 as 65 bytes r ‖ s ‖ v, v 27 or 28."""
    r, s, y_parity = sign_secp256k1(private_key, digest)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + y_parity,))


def _bytes_of(answer: object) -> bytes:
    try:
        return bytes.fromhex(str(answer).removeprefix("0x"))
    except ValueError as error:
        raise _failed("internal", "its signature is not hexadecimal") from error


def _failed(code: str, detail: str) -> DeviceFailed:
    return DeviceFailed(
        f"the signer said {code}: {detail}",
        why="nothing leaves the wallet before its signature is verified",
        next_step="look at the device, then: sycee offline resume",
        code="SIGNER_" + code.upper(),
    )
