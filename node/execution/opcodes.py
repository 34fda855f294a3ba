"""Names of opcodes, for people who read traces. Source: Yellow Paper H.2 and EIPs up to Prague."""

from typing import Final

_NAMES: Final = {
    0x00: "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
    0x10: "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR",
    0x20: "KECCAK256",
    0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY GASPRICE "
    "EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH",
    0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBHASH BLOBBASEFEE",
    0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE MCOPY",
    0x5F: " ".join(f"PUSH{width}" for width in range(33)),
    0x80: " ".join(f"DUP{depth}" for depth in range(1, 17)),
    0x90: " ".join(f"SWAP{depth}" for depth in range(1, 17)),
    0xA0: " ".join(f"LOG{count}" for count in range(5)),
    0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2",
    0xFA: "STATICCALL",
    0xFD: "REVERT INVALID SELFDESTRUCT",
}
"""Names of consecutive opcodes by the first one's byte."""

OPCODE_NAMES: Final = {
    first + offset: name for first, names in _NAMES.items() for offset, name in enumerate(names.split())
}


def opcode_name(opcode: int) -> str:
    """Return an opcode's name; of a byte that is none, what other nodes write."""
    return OPCODE_NAMES.get(opcode) or f"opcode 0x{opcode:x} not defined"
