"""The application handshake of a link, without any I/O.

For: both ends must be of the same protocol, chain and genesis, and a validator must prove that its consensus key stands
behind its TLS key, before any frame counts. Each end sends HELLO, answers the other's with an acknowledgement, and the
link is up once the own acknowledgement is sent and the other's has arrived. A refused TLS 1.3 client at first believes
that it is connected, so nothing less is a sign of life.

Never checks signatures itself: who signs what is the node's business and comes in as two functions.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from struct import Struct
from typing import Protocol, assert_never

from network.errors import (
    BadProof,
    MalformedControl,
    UnexpectedFrame,
    WrongChain,
    WrongGenesis,
    WrongProtocol,
    WrongRole,
)

PROTOCOL_VERSION = 1
"""Version of frames and handshake. A change that an older node cannot read raises it."""

NONCE_BYTES = 32
GENESIS_HASH_BYTES = 32
SIGNATURE_BYTES = 64

SOFTWARE_VERSION_BYTES_MAX = 64
"""Bytes of the version text: enough for a name and a commit, too little to be a burden in logs."""


class Role(IntEnum):
    """What a node does in the network."""

    VALIDATOR = 1
    """Votes."""
    FOLLOWER = 2
    """Verifies and executes, never votes."""


class ControlKind(IntEnum):
    """First byte of every payload on the control channel."""

    HELLO = 1
    ACKNOWLEDGEMENT = 2
    PING = 3
    PONG = 4


@dataclass(frozen=True, slots=True)
class Hello:
    """What a node says of itself first."""

    protocol: int
    """`PROTOCOL_VERSION` of the sender; two bytes."""
    chain_id: int
    """Chain id; eight bytes."""
    genesis_hash: bytes
    """Hash of the genesis block; 32 bytes."""
    role: Role
    """Whether the sender votes; one byte."""
    epoch: int
    """Epoch the sender is in; eight bytes. A claim, not proven."""
    final_height: int
    """Height of the sender's last final block; eight bytes. A claim, not proven."""
    nonce: bytes
    """32 fresh random bytes that the peer's proof must cover."""
    software_version: str
    """Name and version of the software; printable ASCII, at most 64 bytes."""


_HELLO_HEAD = Struct(f">BHQ{GENESIS_HASH_BYTES}sBQQ{NONCE_BYTES}sB")
_PROOF = Struct(f">B{SIGNATURE_BYTES}s")


def encode_hello(hello: Hello) -> bytes:
    """Return the canonical payload of a HELLO."""
    version = hello.software_version.encode("ascii")
    assert len(version) <= SOFTWARE_VERSION_BYTES_MAX
    assert len(hello.genesis_hash) == GENESIS_HASH_BYTES
    assert len(hello.nonce) == NONCE_BYTES
    head = _HELLO_HEAD.pack(
        ControlKind.HELLO,
        hello.protocol,
        hello.chain_id,
        hello.genesis_hash,
        hello.role,
        hello.epoch,
        hello.final_height,
        hello.nonce,
        len(version),
    )
    return head + version


def decode_hello(payload: bytes) -> Hello:
    """Return the HELLO in a control payload.

    Raises: MalformedControl if the bytes are not exactly one canonical HELLO.
    """
    if len(payload) < _HELLO_HEAD.size or payload[0] != ControlKind.HELLO:
        raise MalformedControl(f"hello has {len(payload)} bytes, at least {_HELLO_HEAD.size} are needed")
    _, protocol, chain_id, genesis_hash, role, epoch, final_height, nonce, version_bytes = _HELLO_HEAD.unpack_from(
        payload
    )
    version = payload[_HELLO_HEAD.size :]
    if len(version) != version_bytes or version_bytes > SOFTWARE_VERSION_BYTES_MAX:
        raise MalformedControl(f"software version has {len(version)} bytes, {version_bytes} were announced")
    if not all(0x20 <= byte < 0x7F for byte in version):
        raise MalformedControl("software version is not printable ASCII")
    if role not in (Role.VALIDATOR, Role.FOLLOWER):
        raise MalformedControl(f"role {role} does not exist")
    return Hello(
        protocol=protocol,
        chain_id=chain_id,
        genesis_hash=genesis_hash,
        role=Role(role),
        epoch=epoch,
        final_height=final_height,
        nonce=nonce,
        software_version=version.decode("ascii"),
    )


@dataclass(frozen=True, slots=True)
class ValidatorProof:
    """The consensus key's signature over this very link.

    Whose key it is follows from the TLS key: two nodes need not be in the same epoch, so an index would mean nothing.
    """

    signature: bytes
    """64 bytes over the signer's TLS key, the peer's TLS key and the peer's nonce."""


def encode_acknowledgement(proof: ValidatorProof | None) -> bytes:
    """Return the payload of an acknowledgement; a follower has no proof and sends it empty."""
    if proof is None:
        return bytes((ControlKind.ACKNOWLEDGEMENT,))
    assert len(proof.signature) == SIGNATURE_BYTES
    return _PROOF.pack(ControlKind.ACKNOWLEDGEMENT, proof.signature)


def decode_acknowledgement(payload: bytes) -> ValidatorProof | None:
    """Return the proof in an acknowledgement, None for an empty one.

    Raises: MalformedControl if the bytes are neither.
    """
    if payload == bytes((ControlKind.ACKNOWLEDGEMENT,)):
        return None
    if len(payload) != _PROOF.size or payload[0] != ControlKind.ACKNOWLEDGEMENT:
        raise MalformedControl(f"acknowledgement has {len(payload)} bytes, 1 or {_PROOF.size} are allowed")
    return ValidatorProof(_PROOF.unpack(payload)[1])


class SignProof(Protocol):
    """Makes the own proof."""

    def __call__(self, *, own_tls_key: bytes, peer_tls_key: bytes, peer_nonce: bytes) -> ValidatorProof:
        """Sign the link from `own_tls_key` to `peer_tls_key` with the consensus key."""


class VerifyProof(Protocol):
    """Checks a peer's proof."""

    def __call__(self, proof: ValidatorProof, *, signer_tls_key: bytes, own_tls_key: bytes, own_nonce: bytes) -> bool:
        """Tell whether `proof` is by the validator registered with `signer_tls_key`, for this node and this nonce."""


class _State(Enum):
    """What the handshake waits for."""

    HELLO = auto()
    ACKNOWLEDGEMENT = auto()
    NOTHING = auto()


class Handshake:
    """One end of one handshake: payloads in, payloads out.

    `own_hello` must carry a nonce that was never used before. `sign_proof` is None for a follower.
    """

    __slots__ = (
        "_own_hello",
        "_own_tls_key",
        "_peer_role",
        "_peer_tls_key",
        "_sign_proof",
        "_state",
        "_verify_proof",
        "peer_hello",
    )

    def __init__(
        self,
        own_hello: Hello,
        *,
        own_tls_key: bytes,
        peer_tls_key: bytes,
        peer_role: Role,
        sign_proof: SignProof | None,
        verify_proof: VerifyProof,
    ) -> None:
        assert (own_hello.role is Role.VALIDATOR) == (sign_proof is not None)
        assert own_tls_key != peer_tls_key
        self._own_hello = own_hello
        self._own_tls_key = own_tls_key
        self._peer_tls_key = peer_tls_key
        self._peer_role = peer_role
        self._sign_proof = sign_proof
        self._verify_proof = verify_proof
        self._state = _State.HELLO
        self.peer_hello: Hello | None = None
        """What the peer said; None until it did and was found to be of this network."""

    @property
    def is_up(self) -> bool:
        """Whether both acknowledgements have passed."""
        return self._state is _State.NOTHING

    def opening(self) -> bytes:
        """Return the payload to send first."""
        return encode_hello(self._own_hello)

    def feed(self, payload: bytes) -> tuple[bytes, ...]:
        """Take a control payload of the peer and return the payloads to send back.

        Raises: a HelloRefused for another network; a Misbehaviour for malformed bytes, a wrong order or a bad proof.
        """
        match self._state:
            case _State.HELLO:
                return (self._answer(payload),)
            case _State.ACKNOWLEDGEMENT:
                self._accept(payload)
                return ()
            case _State.NOTHING:
                raise UnexpectedFrame(frame="a handshake frame", state="the link was already up")
            case _:
                assert_never(self._state)

    def _answer(self, payload: bytes) -> bytes:
        own = self._own_hello
        # Another version may lay out the rest differently: its number is read before anything else.
        if len(payload) >= 3 and payload[0] == ControlKind.HELLO:
            protocol = int.from_bytes(payload[1:3], "big")
            if protocol != own.protocol:
                raise WrongProtocol(own=own.protocol, peer=protocol)
        peer = decode_hello(payload)
        if peer.chain_id != own.chain_id:
            raise WrongChain(own=own.chain_id, peer=peer.chain_id)
        if peer.genesis_hash != own.genesis_hash:
            raise WrongGenesis(own=own.genesis_hash, peer=peer.genesis_hash)
        if peer.role is not self._peer_role:
            raise WrongRole(registered=self._peer_role.name.lower(), claimed=peer.role.name.lower())
        if peer.nonce == own.nonce:
            # Only a mirror has our nonce: its proof would be our own, sent back.
            raise MalformedControl("hello repeats this node's nonce")
        self.peer_hello = peer
        self._state = _State.ACKNOWLEDGEMENT
        if self._sign_proof is None:
            return encode_acknowledgement(None)
        proof = self._sign_proof(own_tls_key=self._own_tls_key, peer_tls_key=self._peer_tls_key, peer_nonce=peer.nonce)
        return encode_acknowledgement(proof)

    def _accept(self, payload: bytes) -> None:
        proof = decode_acknowledgement(payload)
        if (proof is None) != (self._peer_role is Role.FOLLOWER):
            raise MalformedControl(
                f"a {self._peer_role.name.lower()} acknowledged {'without' if proof is None else 'with'} a proof"
            )
        if proof is not None and not self._verify_proof(
            proof,
            signer_tls_key=self._peer_tls_key,
            own_tls_key=self._own_tls_key,
            own_nonce=self._own_hello.nonce,
        ):
            raise BadProof()
        self._state = _State.NOTHING
