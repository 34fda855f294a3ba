# pragma version 0.4.3
# pragma evm-version prague
"""
@title SigningWallet
@license Apache-2.0
@notice An account with code, for tests: it agrees to digests that its owner names, and calls what its owner wants.
"""

# error CallerIsNotOwner(address caller)
#   Only the owner decides.

ACCEPTED: constant(bytes4) = 0x1626ba7e  # ERC-1271
REFUSED: constant(bytes4) = 0xffffffff

_owner: address
_agreed: bytes32


@deploy
def __init__(owner: address):
    self._owner = owner


@external
def agree(digest: bytes32):
    """
    @notice Agree to one digest, and to no other.
    @param digest Which.
    """
    self._agreed = digest


@external
def execute(target: address, data: Bytes[4096]) -> Bytes[256]:
    """
    @notice Call a contract; its reason comes through.
    @param target Which.
    @param data With what.
    @return What it answers.
    """
    if msg.sender != self._owner:
        raw_revert(abi_encode(msg.sender, method_id=method_id("CallerIsNotOwner(address)")))
    return raw_call(target, data, max_outsize=256)


@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[520]) -> bytes4:
    """
    @notice Whether the wallet agrees (ERC-1271).
    @param digest To what.
    @param signature Nothing: the agreement is stored.
    @return 0x1626ba7e if it does.
    """
    if digest == self._agreed and len(signature) == 0:
        return ACCEPTED
    return REFUSED
