# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Signatures
@license Apache-2.0
@notice How the settlement contracts know who agreed to typed data that somebody else submits.
@dev A signature is one of the account's key (65 bytes: r, s, v; the lower s only) or one that the account's own code
     accepts. What is signed is bound to this contract on this network. Source: EIP-712, ERC-1271, ERC-5267, EIP-2.
"""

# error InvalidSignature(address signer)
#   The account did not sign this: another key, other terms, another contract or another network.

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_FIELDS: constant(bytes1) = 0x0f  # name, version, chain id, contract
VERSION: constant(String[1]) = "1"

SIGNATURE_BYTES_MAX: constant(uint256) = 520  # of an account with code: eight keys' worth
KEY_SIGNATURE_BYTES: constant(uint256) = 65
LOWER_S_MAX: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168  # half of the curve's order, rounded down (EIP-2)
ACCEPTED: constant(bytes4) = 0x1626ba7e  # ERC-1271

_name: immutable(String[32])


@deploy
def __init__(name: String[32]):
    _name = name


@external
@view
def eip712Domain() -> (bytes1, String[32], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice What binds signatures to this contract, field by field (ERC-5267).
    @return Which fields there are, name, version, chain id, contract, no salt, no extensions.
    """
    return DOMAIN_FIELDS, _name, VERSION, chain.id, self, empty(bytes32), []


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, keccak256(_name), keccak256(VERSION), chain.id, self)
    )
    return keccak256(concat(b"\x19\x01", domain, struct_hash))


@internal
@view
def _require_signed(signer: address, digest: bytes32, signature: Bytes[SIGNATURE_BYTES_MAX]):
    if not (self._is_key_signature(signer, digest, signature) or self._is_accepted(signer, digest, signature)):
        raw_revert(abi_encode(signer, method_id=method_id("InvalidSignature(address)")))


@internal
@pure
def _is_key_signature(signer: address, digest: bytes32, signature: Bytes[SIGNATURE_BYTES_MAX]) -> bool:
    if len(signature) != KEY_SIGNATURE_BYTES or signer == empty(address):
        return False
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if s > LOWER_S_MAX:
        return False
    return ecrecover(digest, v, r, s) == signer


@internal
@view
def _is_accepted(signer: address, digest: bytes32, signature: Bytes[SIGNATURE_BYTES_MAX]) -> bool:
    if not signer.is_contract:
        return False
    has_answered: bool = False
    answer: Bytes[32] = b""
    has_answered, answer = raw_call(
        signer,
        abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return has_answered and len(answer) == 32 and convert(answer, bytes32) == convert(ACCEPTED, bytes32)
