"""Everything that can be wrong with a link, one class per reason.

    LinkError
    ├── Misbehaviour             what an honest peer cannot do: closed and refused for a while
    │   ├── UnknownChannel, FrameTooLong, MalformedControl, UnexpectedFrame, ForbiddenChannel
    │   ├── QuotaExceeded, BadProof
    │   └── ReportedMisbehaviour     found by the node in a payload
    ├── HelloRefused             another network or version: closed, tried again later
    │   └── WrongProtocol, WrongChain, WrongGenesis, WrongRole
    ├── PeerRefused              NotAllowed, PeerBanned, WrongPeer, PeerRemoved, TooManyHandshakes
    └── LinkLost                 nobody's fault: ConnectionLost, ConnectFailed, HandshakeTimeout, PeerSilent,
                                 PeerStuck, LinkReplaced, LocalClose

The classes say who is at fault; they never act.
"""


class LinkError(Exception):
    """A reason for which a link is not, or no longer, up."""


class Misbehaviour(LinkError):
    """Something an honest peer cannot do. Slowness, time-outs and disconnects never are."""


class UnknownChannel(Misbehaviour):
    """A frame names a channel that does not exist."""

    def __init__(self, channel_id: int) -> None:
        super().__init__(f"frame names channel {channel_id}, which does not exist: the peer speaks another protocol")
        self.channel_id = channel_id


class FrameTooLong(Misbehaviour):
    """A frame announces more bytes than its channel allows."""

    def __init__(self, *, channel: str, payload_bytes: int, payload_bytes_max: int) -> None:
        super().__init__(
            f"frame on channel {channel} announces {payload_bytes} bytes, at most {payload_bytes_max} are allowed"
        )
        self.channel = channel
        self.payload_bytes = payload_bytes
        self.payload_bytes_max = payload_bytes_max


class MalformedControl(Misbehaviour):
    """A hello, acknowledgement, ping or pong that is not its canonical bytes."""

    def __init__(self, what: str) -> None:
        super().__init__(f"control frame is malformed: {what}")
        self.what = what


class UnexpectedFrame(Misbehaviour):
    """A frame that the state of the link does not allow."""

    def __init__(self, *, frame: str, state: str) -> None:
        super().__init__(f"{frame} arrived while {state}")
        self.frame = frame
        self.state = state


class ForbiddenChannel(Misbehaviour):
    """A follower sent on a channel of validators."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"a follower sent on channel {channel}, which is for validators")
        self.channel = channel


class QuotaExceeded(Misbehaviour):
    """A peer sent more than its quota for too long."""

    def __init__(self, *, channel: str, lasted_ms: int) -> None:
        super().__init__(f"channel {channel} was over its quota for {lasted_ms} ms")
        self.channel = channel
        self.lasted_ms = lasted_ms


class BadProof(Misbehaviour):
    """The acknowledgement does not prove that the peer is the validator its TLS key belongs to."""

    def __init__(self) -> None:
        super().__init__("the validator proof is not by the consensus key registered with this TLS key, for this link")


class ReportedMisbehaviour(Misbehaviour):
    """The node found misbehaviour in what the peer sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HelloRefused(LinkError):
    """The peer belongs to another network, version or role: an operator has to look, nobody cheated."""


class WrongProtocol(HelloRefused):
    """The peer speaks another version of the mesh protocol."""

    def __init__(self, *, own: int, peer: int) -> None:
        super().__init__(f"peer speaks mesh protocol {peer}, this node {own}: upgrade the older of the two")
        self.own = own
        self.peer = peer


class WrongChain(HelloRefused):
    """The peer runs another chain."""

    def __init__(self, *, own: int, peer: int) -> None:
        super().__init__(f"peer runs chain {peer}, this node {own}: check the address and the genesis file")
        self.own = own
        self.peer = peer


class WrongGenesis(HelloRefused):
    """The peer runs a chain with the same id that began differently."""

    def __init__(self, *, own: bytes, peer: bytes) -> None:
        super().__init__(f"peer's genesis is 0x{peer.hex()}, this node's 0x{own.hex()}: compare the genesis files")
        self.own = own
        self.peer = peer


class WrongRole(HelloRefused):
    """The peer says it is something else than what it is registered as."""

    def __init__(self, *, registered: str, claimed: str) -> None:
        super().__init__(f"peer is registered as {registered} but says it is a {claimed}: check its configuration")
        self.registered = registered
        self.claimed = claimed


class PeerRefused(LinkError):
    """A link with this party is not wanted."""


class NotAllowed(PeerRefused):
    """The TLS key is on nobody's list."""

    def __init__(self, key: bytes) -> None:
        super().__init__(f"TLS key 0x{key.hex()} is not on the allow-list")
        self.key = key


class PeerBanned(PeerRefused):
    """The peer misbehaved not long ago."""

    def __init__(self, *, left_ms: int) -> None:
        super().__init__(f"peer is refused for another {left_ms} ms because it misbehaved")
        self.left_ms = left_ms


class WrongPeer(PeerRefused):
    """Another allowed peer answered at this address."""

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__(f"dialled TLS key 0x{expected.hex()}, but 0x{found.hex()} answered: check the address")
        self.expected = expected
        self.found = found


class PeerRemoved(PeerRefused):
    """The peer is no longer on the allow-list."""

    def __init__(self) -> None:
        super().__init__("peer is no longer on the allow-list")


class TooManyHandshakes(PeerRefused):
    """The listener is busy, or this address failed too often a moment ago."""

    def __init__(self, what: str) -> None:
        super().__init__(f"connection refused: {what}")
        self.what = what


class LinkLost(LinkError):
    """The link ended without anybody's fault."""


class ConnectionLost(LinkLost):
    """The connection was closed or reset."""

    def __init__(self, what: str) -> None:
        super().__init__(f"connection lost: {what}")
        self.what = what


class ConnectFailed(LinkLost):
    """No TLS connection could be made."""

    def __init__(self, what: str) -> None:
        super().__init__(f"cannot connect: {what}")
        self.what = what


class HandshakeTimeout(LinkLost):
    """Hello and acknowledgement did not arrive in time."""

    def __init__(self, *, limit_ms: int) -> None:
        super().__init__(f"no hello and acknowledgement within {limit_ms} ms")
        self.limit_ms = limit_ms


class PeerSilent(LinkLost):
    """Nothing at all came for too long, not even an answer to a ping."""

    def __init__(self, *, silent_ms: int) -> None:
        super().__init__(f"nothing received for {silent_ms} ms")
        self.silent_ms = silent_ms


class PeerStuck(LinkLost):
    """The peer takes so little that not even control frames leave."""

    def __init__(self, *, queued_frames: int) -> None:
        super().__init__(f"{queued_frames} control frames wait and none leaves")
        self.queued_frames = queued_frames


class LinkReplaced(LinkLost):
    """A newer link to the same peer came up."""

    def __init__(self) -> None:
        super().__init__("a newer link to the same peer is up")


class LocalClose(LinkLost):
    """This node closes."""

    def __init__(self) -> None:
        super().__init__("this node is closing")
