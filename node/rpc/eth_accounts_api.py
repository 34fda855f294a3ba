"""eth_*: accounts a node signs for. A node holds no user keys; on a development network it knows the public ones."""

from collections.abc import Mapping, Sequence

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import sign_secp256k1
from node.execution.calls import CallRequest
from node.rpc.call_parameters import read_call
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import NotSupported, UnknownAccount
from node.rpc.eth_calls_api import require_success
from node.rpc.eth_submit_api import send_raw_transaction
from node.rpc.methods import Context, Method
from node.rpc.parameters import read_address, read_data, read_quantity

_SIGNED_MESSAGE = b"\x19Ethereum Signed Message:\n"
_V_OFFSET = 27


def accounts(context: Context, parameters: Sequence[object]) -> Json:
    """Return the accounts this node signs for: none, but on a development network."""
    return [data_hex(address) for address in context.keys.private_keys]


async def send_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Sign and send for a development account; gas and nonce are found if they are left out.

    Raises: NotSupported, UnknownAccount, WrongChainId, ExecutionReverted, ExecutionFailed, CallNotFunded,
    InvalidTransaction, RejectedTransaction, CallsOverloaded, CallTimedOut.
    """
    _require_keys(context, "eth_sendTransaction", instead="sign in a wallet and use eth_sendRawTransaction")
    request, members = _read(context, parameters)
    gas_limit = await _gas_limit(context, request, members)
    async with context.keys.sending:
        raw = _sign(context, request, members, gas_limit)
        return await send_raw_transaction(context, [data_hex(raw)])


async def sign_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Sign for a development account and return the bytes, sending nothing.

    Raises: NotSupported, UnknownAccount, WrongChainId, ExecutionReverted, ExecutionFailed, CallNotFunded,
    CallsOverloaded, CallTimedOut.
    """
    _require_keys(context, "eth_signTransaction", instead="sign in a wallet and use eth_sendRawTransaction")
    request, members = _read(context, parameters)
    gas_limit = await _gas_limit(context, request, members)
    return data_hex(_sign(context, request, members, gas_limit))


def sign(context: Context, parameters: Sequence[object]) -> Json:
    """Sign a message for a development account (EIP-191), as r, s and v.

    Raises: NotSupported, UnknownAccount.
    """
    _require_keys(context, "eth_sign", instead="sign in a wallet with personal_sign (EIP-191) or typed data (EIP-712)")
    private_key = _private_key(context, read_address(parameters[0], "address"))
    message = read_data(parameters[1], "message")
    digest = keccak256(_SIGNED_MESSAGE + str(len(message)).encode() + message)
    r, s, y_parity = sign_secp256k1(private_key, digest)
    return data_hex(r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((_V_OFFSET + y_parity,)))


def _require_keys(context: Context, method: str, *, instead: str) -> None:
    if not context.keys.private_keys:
        raise NotSupported(method, instead=instead)


def _private_key(context: Context, address: Address) -> bytes:
    private_key = context.keys.private_keys.get(address)
    if private_key is None:
        raise UnknownAccount(address)
    return private_key


def _read(context: Context, parameters: Sequence[object]) -> tuple[CallRequest, Mapping[str, object]]:
    request = read_call(parameters[0], "call", context.limits.call_gas_max, context.backend.chain_id)
    # Read before: it is an object.
    members = parameters[0] if isinstance(parameters[0], dict) else {}
    _private_key(context, request.sender)
    for name in ("accessList", "authorizationList"):
        if members.get(name):
            raise NotSupported(f"call.{name}", instead="sign in a wallet and use eth_sendRawTransaction")
    return request, members


async def _gas_limit(context: Context, request: CallRequest, members: Mapping[str, object]) -> int:
    if members.get("gas") is not None:
        return request.gas_limit
    gas_limit, outcome = await context.backend.estimate_gas(request, context.backend.head().height)
    require_success(context, outcome)
    return gas_limit


def _sign(context: Context, request: CallRequest, members: Mapping[str, object], gas_limit: int) -> bytes:
    nonce = members.get("nonce")
    return sign_dynamic_fee_transaction(
        _private_key(context, request.sender),
        chain_id=context.backend.chain_id,
        nonce=context.backend.pending_nonce(request.sender) if nonce is None else read_quantity(nonce, "call.nonce"),
        gas_limit=gas_limit,
        to=request.to,
        data=request.data,
        value=request.value,
    )


METHODS = {
    "eth_accounts": Method(accounts, 0, 0, "", "Address[]"),
    "eth_sendTransaction": Method(send_transaction, 1, 1, "call", "Hash"),
    "eth_sign": Method(sign, 2, 2, "address message", "Data"),
    "eth_signTransaction": Method(sign_transaction, 1, 1, "call", "Data"),
}
