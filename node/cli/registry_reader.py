"""Read from a running node who validates now and who wants to."""

from dataclasses import dataclass

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue, decode
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.declarations import encode_call, types_of
from contracts.native.dispatch import find_function
from contracts.native.validator_state import Status
from contracts.native.validators import VALIDATOR_REGISTRY as REGISTRY
from node.cli.json_rpc import JsonValue, RpcClient, as_list, as_object


@dataclass(frozen=True, slots=True)
class RegisteredMember:
    """One operator as the registry has it."""

    name: str
    status: str
    """applicant, candidate, validator, suspended or former."""
    operator: str
    """Account, 0x hex."""
    consensus_key: str
    endpoints: tuple[str, ...]
    is_ready: bool
    """A candidate that says it is in step."""
    is_suspending: bool
    is_leaving: bool
    is_rotating: bool
    """What waits for the end of the epoch."""


@dataclass(frozen=True, slots=True)
class RegistryView:
    """The registry at one moment."""

    epoch: int
    first_height: int
    members: tuple[RegisteredMember, ...]
    """The set in force by consensus key, then candidates, then applicants."""


async def read_registry(url: str) -> RegistryView:
    """Return what the node at `url` says of the registry. Raises: EndpointDown, RpcFailed."""
    async with RpcClient() as client:
        answer = as_object(await client.result(url, "sycee_getValidators"))
        operators = [
            Address(bytes.fromhex(str(as_object(entry)["operator"])[2:])) for entry in as_list(answer["validators"])
        ]
        (pending,) = await _read(client, url, "pendingCount")
        assert isinstance(pending, int)
        for index in range(pending):
            (operator,) = await _read(client, url, "pendingAt", index)
            assert isinstance(operator, bytes)
            operators.append(Address(operator))
        members = [_member(operator, await _read(client, url, "memberOf", operator)) for operator in operators]
        (epoch,), (first_height,) = await _read(client, url, "epoch"), await _read(client, url, "epochFirstHeight")
        assert isinstance(epoch, int) and isinstance(first_height, int)
        return RegistryView(epoch, first_height, tuple(members))


async def _read(client: RpcClient, url: str, name: str, *arguments: AbiValue) -> tuple[AbiValue, ...]:
    function = find_function(REGISTRY, name)
    call: dict[str, JsonValue] = {
        "to": "0x" + VALIDATOR_REGISTRY.hex(),
        "data": "0x" + encode_call(function, *arguments).hex(),
    }
    output = await client.result(url, "eth_call", call, "latest")
    return decode(types_of(function.results), bytes.fromhex(str(output)[2:]))


def _member(operator: Address, values: tuple[AbiValue, ...]) -> RegisteredMember:
    names = [parameter.name for parameter in find_function(REGISTRY, "memberOf").results]
    fields = dict(zip(names, values, strict=True))
    status, key, next_key, endpoints = (
        fields[name] for name in ("status", "consensusKey", "nextConsensusKey", "endpoints")
    )
    assert isinstance(status, int) and isinstance(key, bytes) and isinstance(next_key, bytes)
    assert isinstance(endpoints, list | tuple)
    return RegisteredMember(
        name=str(fields["name"]),
        status=Status(status).name.lower(),
        operator="0x" + operator.hex(),
        consensus_key="0x" + key.hex(),
        endpoints=tuple(str(endpoint) for endpoint in endpoints),
        is_ready=bool(fields["isReady"]),
        is_suspending=bool(fields["isSuspending"]),
        is_leaving=bool(fields["isLeaving"]),
        is_rotating=any(next_key),
    )
