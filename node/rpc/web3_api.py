"""web3_*: the client and its hash."""

from collections.abc import Sequence

from consensus.primitives.hashing import keccak256
from node.rpc.encoding import Json, data_hex
from node.rpc.methods import Context, Method
from node.rpc.parameters import read_data


def client_version(context: Context, parameters: Sequence[object]) -> Json:
    """Return name and version of this software."""
    return context.backend.client_version


def sha3(context: Context, parameters: Sequence[object]) -> Json:
    """Return keccak-256 of some data, which is not SHA-3 whatever the method is called."""
    return data_hex(keccak256(read_data(parameters[0], "data")))


METHODS = {
    "web3_clientVersion": Method(client_version, 0, 0, "", "String"),
    "web3_sha3": Method(sha3, 1, 1, "data", "Hash"),
}
