"""What to do when the ledger would refuse: one line for every named error an administrator meets."""

from collections.abc import Mapping
from typing import Final

from contracts.decoding import DecodedError
from wallet_cli.addresses import checksum_address
from wallet_cli.admin.kinds import role_text
from wallet_cli.admin.scope import Scope

_REMEDIES: Final[Mapping[str, str]] = {
    "AccessControlUnauthorizedAccount": "let an admin of the currency type: sycee admin role grant {currency} {role}"
    " {account}; or sign with an account that has the role: --from NAME",
    "AccessControlBadConfirmation": "sign with the account that gives its role up: --from NAME",
    "AccountNotRegistered": "let its bank register it: sycee admin account register ACCOUNT --tier TIER",
    "AccountNotSuspended": "nothing is to be done: sycee admin account show ACCOUNT",
    "AccountRegisteredAlready": "change it instead: sycee admin account tier ACCOUNT TIER",
    "AccountSuspended": "sycee admin account reinstate ACCOUNT, or choose another account",
    "ApprovalsMissing": "let more members approve: sycee admin council sign FILE",
    "AttestationAgedOut": "let an attestor renew it: sycee admin reserves attest {currency} AMOUNT --document FILE",
    "AttestationFromFuture": "type a time that has passed: --as-of now",
    "AttestationSuperseded": "see the newest: sycee admin reserves show {currency}",
    "BalanceLimitExceeded": "see the limits of its tier: sycee admin tier show {currency} TIER",
    "BankOnly": "sign with a bank's account: --from NAME; banks: sycee admin bank list",
    "BatchCallFailed": "correct the action named, counted from 0, and repeat the batch",
    "CallerIsNoMember": "sign with a member's account: sycee admin council show COUNCIL",
    "CurrencyCodeTaken": "choose another code; those taken: sycee admin currency list",
    "DailyInLimitExceeded": "wait for the next UTC day, or: sycee admin tier show {currency} TIER",
    "DailyOutLimitExceeded": "wait for the next UTC day, or: sycee admin tier show {currency} TIER",
    "DelayNotPassed": "submit again when the delay has passed: sycee admin council submit FILE",
    "ERC20InsufficientBalance": "sycee balance ACCOUNT --currency {currency}; a smaller amount would pass",
    "ERC20InvalidReceiver": "name an account that can receive: not zero, not the ledger's own, not the payer",
    "ERC7943CannotReceive": "admit it: sycee admin policy check POLICY ACCOUNT; sycee admin account show ACCOUNT",
    "ERC7943CannotSend": "admit it: sycee admin policy check POLICY ACCOUNT; sycee admin account show ACCOUNT",
    "ERC7943InsufficientUnfrozenBalance": "unfreeze some of it: sycee admin unfreeze {currency} ACCOUNT",
    "EnforcedPause": "end the pause first: sycee admin currency unpause {currency}",
    "ExpectedPause": "it is not paused: sycee admin currency show {currency}",
    "GovernorOnly": "sign as the governor: --from NAME, or --as COUNCIL --prepare FILE if it is a council",
    "ImmutablePolicy": "create a list instead: sycee admin policy create allow",
    "IndexOutOfRange": "type a smaller number",
    "InvalidBic": "type the BIC of 8 or 11 capitals and digits that SWIFT gave the bank",
    "InvalidBankName": "type a name of 1 to 31 bytes",
    "InvalidCurrencyCode": "type 3 to 12 capitals, digits or dots, such as CNY or CNY.BANKA",
    "InvalidCurrencyName": "type a name of 1 to 64 bytes",
    "InvalidDecimals": "type the decimals of ISO 4217: EUR 2, JPY 0, KWD 3",
    "InvalidPolicyKind": "name a compound policy, or use policy show",
    "InvalidRoleAccount": "name an account that can sign: not zero, not a contract of the ledger, not oneself",
    "InvalidTier": "type a tier of 0 to 254",
    "LastAdmin": "hand over instead: sycee admin role begin-handover {currency} ACCOUNT",
    "LimitTooHigh": "type a smaller limit, or none",
    "MinterAllowanceExceeded": "let a mint controller raise it: sycee admin minter {currency} {account} AMOUNT",
    "NestedCompound": "name lists, not compound policies",
    "NoAdminTransfer": "let the admin offer it: sycee admin role begin-handover {currency} {account}",
    "NoGovernorTransfer": "let the governor offer it: sycee admin config begin-handover ACCOUNT",
    "NoPolicyAdminTransfer": "let the policy's admin offer it: sycee admin policy begin-handover POLICY ACCOUNT",
    "ParameterOutOfRange": "type a value within the bounds: sycee admin config show",
    "PermissionsNotHeld": "ask the governor: a bank gives no permission it has not itself",
    "PolicyAdminOnly": "sign with the policy's admin: sycee admin policy show POLICY",
    "PolicyRefusesRecipient": "admit it: sycee admin policy add POLICY ACCOUNT",
    "PolicyRefusesSender": "admit it: sycee admin policy add POLICY ACCOUNT",
    "ProposalExpired": "prepare it anew: --as COUNCIL --prepare FILE",
    "ProposalOutdated": "members changed: prepare it anew: --as COUNCIL --prepare FILE",
    "RedemptionClosed": "sycee admin redemption list {currency}",
    "ReservesExceeded": "let an attestor attest more: sycee admin reserves attest {currency} AMOUNT --document FILE",
    "SponsorOnly": "sign with its bank's account: sycee admin account show ACCOUNT",
    "SupplyCapExceeded": "raise the cap: sycee admin currency cap {currency} AMOUNT",
    "SupplyCapOutOfRange": "type a cap that is at least the supply: sycee admin currency show {currency}",
    "SuspendedAlready": "nothing is to be done: sycee admin account show ACCOUNT",
    "SuspendedByGovernor": "only the governor ends it: let it type sycee admin account reinstate ACCOUNT",
    "TransferLimitExceeded": "see the limits of its tier: sycee admin tier show {currency} TIER",
    "UnknownBank": "register it: sycee admin bank register ACCOUNT NAME BIC QUOTA; banks: sycee admin bank list",
    "UnknownParameter": "type one of those in: sycee admin config show",
    "UnknownPolicy": "create it: sycee admin policy create allow",
    "UnknownRedemption": "sycee admin redemption list {currency}",
    "WrongStatus": "see where it stands: sycee admin validator list",
    "RequestPending": "nothing is to be done: sycee admin validator list",
    "NoRequest": "nothing is to be done: sycee admin validator list",
    "TooManyCandidates": "let candidates join first: sycee admin validator end-epoch",
    "EpochEnding": "wait for the next epoch: sycee admin validator list",
    "UnlimitedTier": "tier 0 is for institutions and has no limits: name another tier",
}
_DEFAULT: Final = "correct the arguments, or sign with another account: --from NAME"


def remedy(scope: Scope, error: DecodedError | None) -> str:
    """Return what to do about a named error, with this command's currency and the account and role it names."""
    if error is None:
        return _DEFAULT
    role = error.arguments.get("neededRole")
    account = error.arguments.get("account") or error.arguments.get("minter")
    return _REMEDIES.get(error.name, _DEFAULT).format(
        currency=scope.currency.code if scope.currency else "CURRENCY",
        role=role_text(role) if isinstance(role, bytes) else "ROLE",
        account=_name(scope, account) if isinstance(account, bytes) else "ACCOUNT",
    )


def _name(scope: Scope, account: bytes) -> str:
    return scope.session.name_of(account) or checksum_address(account)
