"""Scalar types that must not be mixed up. A NewType costs nothing at run time and a type error at check time."""

from typing import NewType

Height = NewType("Height", int)
"""Position of a block in the chain; genesis is 0."""

View = NewType("View", int)
"""One attempt of one leader inside an epoch, from 1; 0 is the final last block of the epoch before."""

Epoch = NewType("Epoch", int)
"""A fixed validator set and fixed parameters; the first epoch is 0."""

ValidatorIndex = NewType("ValidatorIndex", int)
"""Position of a validator in its epoch's set, sorted by consensus key."""

Address = NewType("Address", bytes)
"""20 bytes: an account or a contract."""

Hash32 = NewType("Hash32", bytes)
"""32 bytes: a keccak-256 or SHA-256 output."""

TimestampMs = NewType("TimestampMs", int)
"""Milliseconds since the Unix epoch."""

AmountMinor = NewType("AmountMinor", int)
"""Money in the currency's minor unit (cents for EUR); never negative on the ledger."""

WorkUnits = NewType("WorkUnits", int)
"""Protocol units of computing time, beside gas; one is about a microsecond on the reference machine."""

GasUnits = NewType("GasUnits", int)
"""Ethereum gas. Never charged for, always limited."""

ZERO_HASH = Hash32(bytes(32))
ZERO_ADDRESS = Address(bytes(20))
VIEW_ZERO = View(0)
