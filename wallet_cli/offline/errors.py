"""What is wrong with the bytes of an offline message, one class per reason.

MessageError (ValueError)       bytes that are no message of this version
├── NotCanonical                not the canonical form of the encoding, or too long
├── UnknownKind                 a kind that does not exist, or not there
├── UnknownVersion              written by another version
├── MissingField                a field that this kind must have
├── UnknownField                a field that this kind does not have
└── FieldNotValid               a field of another type, length or range
"""


class MessageError(ValueError):
    """Bytes that are no message of this version."""


class NotCanonical(MessageError):
    """Bytes that are not the one spelling of anything."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"not an offline message: {detail}")


class UnknownKind(MessageError):
    """A message of a kind that does not exist, or that may not stand where it stands."""

    def __init__(self, kind: int, *, place: str) -> None:
        self.kind = kind
        self.place = place
        super().__init__(f"{place}: no message of kind {kind} belongs here")


class UnknownVersion(MessageError):
    """A message of another version."""

    def __init__(self, *, found: int, known: int) -> None:
        self.found = found
        self.known = known
        super().__init__(f"the message is of version {found}, this wallet knows {known}: update the older one")


class MissingField(MessageError):
    """A field that the kind must have."""

    def __init__(self, kind: str, field: str) -> None:
        self.kind = kind
        self.field = field
        super().__init__(f"{kind} lacks field {field}")


class UnknownField(MessageError):
    """A field that the kind does not have."""

    def __init__(self, kind: str, field: str) -> None:
        self.kind = kind
        self.field = field
        super().__init__(f"{kind} has no field {field}")


class FieldNotValid(MessageError):
    """A field with a value it cannot have."""

    def __init__(self, kind: str, field: str, detail: str) -> None:
        self.kind = kind
        self.field = field
        self.detail = detail
        super().__init__(f"{kind}, field {field}: {detail}")
