"""The ledger's own views, run by this wallet over storage words that it proves: answers no node can bend.

Reads only. A view is the same function every validator runs; its slots come with Merkle proofs under one final header.
"""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.declarations import FunctionDeclaration, decoder_of, encode_call
from contracts.decoding import DecodedError, decode_revert
from contracts.native.directory import lookup, run_native
from contracts.native.dispatch import find_function
from wallet_cli.proven_reads import proven_context
from wallet_cli.session import Session
from wallet_cli.verified import Head

_VIEW_GAS: Final = 1_000_000
"""Gas of a view run here: the dearest costs 2 000, and nobody pays."""


class ViewReverted(Exception):
    """A view refuses the question, such as for a bank that is not registered."""

    def __init__(self, view: str, error: DecodedError) -> None:
        self.view = view
        self.error = error
        super().__init__(f"{view}: {error}")


class ProvenLedger:
    """System contracts at one final height; every word is proven once and kept for the command."""

    def __init__(self, session: Session, head: Head) -> None:
        self.head = head
        self._session = session
        self._words: dict[tuple[Address, int], int] = {}

    def word(self, address: Address, slot: int) -> int:
        """Return one word of storage. Raises: ProofInvalid, NetworkUnreachable."""
        known = self._words.get((address, slot))
        if known is None:
            _, (known,) = self._session.verifier.read_account(self.head, address, [slot])
            self._words[address, slot] = known
        return known

    def read(self, address: Address, view: str, *values: AbiValue) -> tuple[AbiValue, ...]:
        """Return the results of a view. Raises: ViewReverted, ProofInvalid, NetworkUnreachable."""
        declared = declared_function(address, view)
        assert not declared.mutates, "only views are asked"
        context = proven_context(self._session, self.head, address, self.word)
        result = run_native(context, encode_call(declared, *values), _VIEW_GAS)
        if not result.success:
            error = decode_revert(result.output)
            assert error is not None, "native contracts revert with errors they declare"
            raise ViewReverted(view, error)
        return tuple(decoder_of(declared.results)(result.output, 0))


def declared_function(address: Address, name: str) -> FunctionDeclaration:
    """Return the declaration of a system contract's function, which must exist."""
    contract = lookup(address)
    assert contract is not None, f"no system contract at 0x{address.hex()}"
    return find_function(contract, name)
