"""What to do about the ledger's named errors: why each refuses, and what to type next.

Errors that are not here are shown with their name and values only.
"""

from dataclasses import dataclass
from typing import Final

from contracts.abi import AbiValue
from contracts.decoding import DecodedError, decode_revert
from wallet_cli.addresses import checksum_address
from wallet_cli.moments import instant_text


@dataclass(frozen=True, slots=True)
class Advice:
    """Why the ledger refused, and what helps."""

    why: str
    next_step: str


_ADVICE: Final[dict[str, Advice]] = {
    "ERC20InsufficientBalance": Advice("{sender} has less than it is to pay", "sycee balance {sender}"),
    "ERC7943InsufficientUnfrozenBalance": Advice(
        "part of the money of {account} is frozen", "ask the bank that keeps {account}"
    ),
    "ERC7943CannotSend": Advice("the currency's policy does not let {account} pay", "ask the bank that keeps it"),
    "ERC7943CannotReceive": Advice("the currency's policy does not let {account} be paid", "ask the payee's bank"),
    "EnforcedPause": Advice("the currency is paused and moves nothing", "repeat the command when it is not"),
    "HoldExists": Advice("a hold with this id was made before", "sycee hold show {id}"),
    "UnknownHold": Advice("no hold with this id was ever made in this currency", "sycee hold list"),
    "HoldClosed": Advice("it is paid or given back already", "sycee hold show {id}"),
    "HoldExecutorOnly": Advice("only {executor} may pay it or consent: the notary, or the payee without one",
                               "ask {executor}, or act as it with --from NAME"),
    "HoldPayerOnly": Advice("only its payer, {payer}, may extend it", "repeat with --from NAME of the payer"),
    "HoldNotReleasable": Advice("before it expires only its notary or payee may give it back",
                                "wait until {expiresAt}, or ask the payee"),
    "HoldExpired": Advice("it expired at {expiresAt} and is never paid any more", "sycee hold release {id}"),
    "HoldExceeded": Advice("less than that remains in it", "sycee hold show {id}"),
    "ExpiryPassed": Advice("it would have expired already: {expiresAt}", "give a later --expires"),
    "ExpiryNotLater": Advice("a hold is only ever made longer; it runs until {current}", "give a later --until"),
    "ExtensionNotConsented": Advice("whoever pays it consented only until {consentedUntil}",
                                    "ask for: sycee hold consent {id} --until TIME"),
    "UnknownRedemption": Advice("no redemption has this number", "sycee redemption list"),
    "RedemptionClosed": Advice("it is answered or cancelled already", "sycee history"),
    "RedemptionOwnerOnly": Advice("only {owner} may take it back", "repeat with --from NAME of its owner"),
    "UnknownInstruction": Advice("no instruction has this number", "sycee settle list"),
    "InstructionEnded": Advice("it was settled, rejected or cancelled before", "sycee settle show {instructionId}"),
    "InstructionExpired": Advice("it is too late to affirm; it expired at {expiresAt}",
                                 "sycee settle cancel {instructionId}"),
    "InstructionNotExpired": Advice("until {expiresAt} only a party can end it",
                                    "sycee settle reject {instructionId}, as a party"),
    "NothingToAffirm": Advice("{caller} pays nothing in it, or has affirmed before",
                              "sycee settle show {instructionId}"),
    "CallerIsNoParty": Advice("only who pays or receives in it can reject it", "repeat with --from NAME of a party"),
    "InvalidExpiry": Advice("it must end after now and within a year", "give another --expires"),
    "InvalidLeg": Advice("leg {leg}, from 0, moves nothing, or pays its payer", "correct the leg"),
    "UnknownEscrow": Advice("no escrow has this number", "sycee contract logs Escrow EscrowCreated"),
    "EscrowEnded": Advice("everything in it was paid or refunded before", "sycee escrow show {escrowId}"),
    "EscrowDisputed": Advice("there is a dispute, which the arbiter decides", "sycee escrow release {escrowId} --all"),
    "EscrowNotDisputed": Advice("the arbiter decides disputes only", "a party types sycee escrow dispute {escrowId}"),
    "DeadlinePassed": Advice("it was {deadline}; what was agreed is due", "sycee escrow close {escrowId}"),
    "DeadlineNotPassed": Advice("before {deadline} only the parties can end it", "sycee escrow show {escrowId}"),
    "QuoteExpired": Advice("the price was good until {validUntil}", "ask the bank for a new quote"),
    "QuoteCancelled": Advice("the bank has cancelled this price", "ask the bank for a new quote"),
    "QuoteForAnother": Advice("the price is for {customer} only", "repeat with --from NAME of that customer"),
    "UnknownLock": Advice("no swap has this number", "sycee contract logs HashedTimelock Locked"),
    "LockEnded": Advice("it was claimed or returned before", "sycee swap show {lockId}"),
    "LockExpired": Advice("the secret counted until {expiresAt}; the money goes back", "sycee swap refund {lockId}"),
    "LockNotExpired": Advice("until {expiresAt} only the payee gives it back", "sycee swap decline {lockId}, as payee"),
    "WrongSecret": Advice("this is not the secret behind its digest", "sycee swap show {lockId}"),
    "UnknownMandate": Advice("no mandate has this number", "sycee contract logs Mandate MandateGranted"),
    "MandateEnded": Advice("payer or collector revoked it", "sycee mandate show {mandateId}"),
    "MandateNotInForce": Advice("it is in force from {start} to {end}", "sycee mandate show {mandateId}"),
    "CollectionTooLarge": Advice("its caps leave {most} smallest units now", "collect less, or in the next period"),
    "CallerNotEntitled": Advice("this is another party's step", "repeat with --from NAME of that party"),
    "AccountBlacklisted": Advice("a purse of {account} was spent twice", "ask the network's council to clear it"),
    "LockNotFound": Advice("nothing is in it any more: it was released or refunded", "sycee offline list"),
    "ClaimWindowClosed": Advice("it could be redeemed until {claimUntil}; the rest goes back", "sycee offline refund"),
    "NotYetRefundable": Advice("until {claimUntil} the payee can still redeem", "sycee offline refund, after that"),
    "SpendUntilPassed": Advice("it could be spent until {spendUntil}", "sycee offline lock PAYEE AMOUNT"),
    "LifeTooLong": Advice("money is locked for at most {max} seconds", "give a shorter --for or --grace"),
    "GraceTooShort": Advice("a payee has at least {min} seconds to redeem", "give a longer --grace"),
    "NotInClass": Advice("the purse pays the payees of its class only", "sycee offline class show CLASS"),
    "ZeroAmount": Advice("nothing is no amount", "give an amount above zero"),
}  # fmt: skip


def advice_for(data: bytes) -> Advice | None:
    """Return what helps against the error in revert data, with its values filled in; None if nothing is known."""
    decoded = decode_revert(data)
    advice = None if decoded is None else _ADVICE.get(decoded.name)
    if decoded is None or advice is None:
        return None
    values = _Values(decoded)
    return Advice(advice.why.format_map(values), advice.next_step.format_map(values))


def failed_row(data: bytes) -> tuple[int, bytes] | None:
    """Return which row of a transferBatch failed, from 0, and its own revert data; None for another error."""
    decoded = decode_revert(data)
    if decoded is None or decoded.name != "TransferRowFailed":
        return None
    row, reason = decoded.arguments["index"], decoded.arguments["reason"]
    assert isinstance(row, int) and isinstance(reason, bytes), "declared so"
    return row, reason


class _Values(dict[str, str]):
    """Values of an error as people read them."""

    def __init__(self, decoded: DecodedError) -> None:
        super().__init__({name: _text(name, value) for name, value in decoded.arguments.items()})


def _text(name: str, value: AbiValue) -> str:
    if isinstance(value, bytes):
        return checksum_address(value) if len(value) == 20 else "0x" + value.hex()
    if isinstance(value, int) and name in _INSTANTS:
        return instant_text(value)
    return str(value)


_INSTANTS: Final = (
    "expiresAt",
    "current",
    "consentedUntil",
    "deadline",
    "validUntil",
    "start",
    "end",
    "claimUntil",
    "spendUntil",
)
"""Values in seconds since the epoch."""
