"""Values in a node's answers, read strictly: whoever is not believed is not guessed at either."""


def read_count(value: object) -> int:
    """Return an integer of zero or more, a number or its decimal digits. Raises: ValueError."""
    number = int(str(value))
    if number < 0:
        raise ValueError(f"{number} is below zero")
    return number


def read_bytes(value: object, length: int) -> bytes:
    """Return bytes of exactly `length` written in hexadecimal. Raises: ValueError."""
    found = bytes.fromhex(str(value).removeprefix("0x"))
    if len(found) != length:
        raise ValueError(f"{length} bytes were expected, found {len(found)}")
    return found
