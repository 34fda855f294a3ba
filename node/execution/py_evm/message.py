"""What a frame is asked to do. py-evm's opcodes build these and read them by these names."""

from dataclasses import dataclass

from consensus.primitives.scalars import Address, Hash32


@dataclass(frozen=True, slots=True)
class Origin:
    """What is the same in every frame of a transaction."""

    gas_price: int
    origin: Address
    blob_versioned_hashes: tuple[Hash32, ...]


class Message:
    """One call or creation. Not validated: the opcodes that build it have."""

    __slots__ = (
        "code",
        "code_address",
        "data",
        "depth",
        "gas",
        "is_create",
        "is_delegation",
        "is_static",
        "sender",
        "should_transfer_value",
        "storage_address",
        "to",
        "value",
    )

    def __init__(
        self,
        gas: int,
        to: Address,
        sender: Address,
        value: int,
        data: bytes,
        code: bytes,
        depth: int = 0,
        *,
        create_address: Address | None = None,
        code_address: Address | None = None,
        should_transfer_value: bool = True,
        is_static: bool = False,
        is_delegation: bool = False,
    ) -> None:
        self.gas = gas
        self.to = to
        self.sender = sender
        self.value = value
        self.data = data
        self.code = code
        self.depth = depth
        self.is_create = create_address is not None
        self.storage_address = to if create_address is None else create_address
        """Whose storage the code uses."""
        self.code_address = to if code_address is None else code_address
        """Where the code comes from."""
        self.should_transfer_value = should_transfer_value
        self.is_static = is_static
        self.is_delegation = is_delegation

    @property
    def data_as_bytes(self) -> bytes:
        """What precompiles read."""
        return self.data
