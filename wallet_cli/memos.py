"""Memos: 32 bytes beside a payment, which people write and read as text."""

from typing import Final

from wallet_cli.errors import UsageRefused

MEMO_BYTES: Final = 32
EMPTY_MEMO: Final = bytes(MEMO_BYTES)


def encode_memo(text: str) -> bytes:
    """Return the memo for `text`: UTF-8, filled up with zero bytes. Raises: UsageRefused above 32 bytes."""
    encoded = text.encode()
    if len(encoded) > MEMO_BYTES or "\x00" in text or not (text.isprintable() or not text):
        raise UsageRefused(
            f"the memo has {len(encoded)} bytes or unprintable characters; {MEMO_BYTES} printable bytes fit",
            why="a memo is one word of the ledger, and is never cut",
            next_step="shorten it: a reference such as INV-2041",
            code="MEMO_INVALID",
        )
    return encoded.ljust(MEMO_BYTES, b"\x00")


def memo_text(memo: bytes) -> str:
    """Return a memo as text, or as hexadecimal if it is none: it comes from others and must not move the cursor."""
    try:
        text = memo.rstrip(b"\x00").decode()
    except UnicodeDecodeError:
        return "0x" + memo.hex()
    return text if text.isprintable() else "0x" + memo.hex()
