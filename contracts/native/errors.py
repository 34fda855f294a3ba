"""Every named error a native contract reverts with.

Names and values are ABI: contracts, wallets and receipts show them, so none is ever renamed. Order follows the
checks. Sources: ERC-6093 (ERC20…), ERC-7943 (ERC7943…), OpenZeppelin Contracts 5 (AccessControl…, EnforcedPause,
ExpectedPause); the rest are ours.
"""

from typing import Final

from contracts.abi import AbiValue
from contracts.declarations import ErrorDeclaration, declare_error, encode_error
from contracts.native.context import NativeRevert


def revert(error: ErrorDeclaration, *values: AbiValue) -> NativeRevert:
    """Return the exception that ends a native call with `error` and its values."""
    return NativeRevert(encode_error(error, *values))


# Calls: the dispatcher's own reasons, the same in every contract.

NO_CONTRACT_HERE: Final = declare_error("NoContractHere(address contract)")
VALUE_NOT_ACCEPTED: Final = declare_error("ValueNotAccepted(uint256 value)")
UNKNOWN_FUNCTION: Final = declare_error("UnknownFunction(bytes4 selector)")
OUT_OF_GAS: Final = declare_error("OutOfGas(uint256 available, uint256 needed)")
WRITE_IN_STATIC_CALL: Final = declare_error("WriteInStaticCall(bytes4 selector)")
CALLDATA_TOO_SHORT: Final = declare_error("CalldataTooShort(uint256 length, uint256 needed)")
CALLDATA_TOO_LONG: Final = declare_error("CalldataTooLong(uint256 length, uint256 expected)")
CALLDATA_NOT_CANONICAL: Final = declare_error("CalldataNotCanonical(uint256 position)")
DELEGATED_CALL: Final = declare_error("DelegatedCall(address contract)")

DISPATCH_ERRORS: Final = (
    NO_CONTRACT_HERE,
    VALUE_NOT_ACCEPTED,
    UNKNOWN_FUNCTION,
    OUT_OF_GAS,
    WRITE_IN_STATIC_CALL,
    CALLDATA_TOO_SHORT,
    CALLDATA_TOO_LONG,
    CALLDATA_NOT_CANONICAL,
    DELEGATED_CALL,
)

# A currency.

UNKNOWN_CURRENCY: Final = declare_error("UnknownCurrency(address currency)")
ENFORCED_PAUSE: Final = declare_error("EnforcedPause()")
EXPECTED_PAUSE: Final = declare_error("ExpectedPause()")
INVALID_SENDER: Final = declare_error("ERC20InvalidSender(address sender)")
INVALID_RECEIVER: Final = declare_error("ERC20InvalidReceiver(address receiver)")
INVALID_SPENDER: Final = declare_error("ERC20InvalidSpender(address spender)")
INVALID_APPROVER: Final = declare_error("ERC20InvalidApprover(address approver)")
INSUFFICIENT_ALLOWANCE: Final = declare_error(
    "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)"
)
INSUFFICIENT_BALANCE: Final = declare_error("ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)")
MINTER_ALLOWANCE_EXCEEDED: Final = declare_error(
    "MinterAllowanceExceeded(address minter, uint256 allowance, uint256 needed)"
)
SUPPLY_CAP_EXCEEDED: Final = declare_error("SupplyCapExceeded(uint256 cap, uint256 supply, uint256 amount)")
SUPPLY_CAP_OUT_OF_RANGE: Final = declare_error("SupplyCapOutOfRange(uint256 cap, uint256 lowest, uint256 highest)")

CURRENCY_ERRORS: Final = (
    UNKNOWN_CURRENCY,
    ENFORCED_PAUSE,
    EXPECTED_PAUSE,
    INVALID_SENDER,
    INVALID_RECEIVER,
    INVALID_SPENDER,
    INVALID_APPROVER,
    INSUFFICIENT_ALLOWANCE,
    INSUFFICIENT_BALANCE,
    MINTER_ALLOWANCE_EXCEEDED,
    SUPPLY_CAP_EXCEEDED,
    SUPPLY_CAP_OUT_OF_RANGE,
)

# Orders that somebody else submits for whoever signed them.

EXPIRED_PERMIT: Final = declare_error("ERC2612ExpiredSignature(uint256 deadline)")
INVALID_PERMIT_SIGNER: Final = declare_error("ERC2612InvalidSigner(address signer, address owner)")
AUTHORIZATION_NOT_YET_VALID: Final = declare_error("AuthorizationNotYetValid(uint256 validAfter, uint256 now)")
AUTHORIZATION_EXPIRED: Final = declare_error("AuthorizationExpired(uint256 validBefore, uint256 now)")
AUTHORIZATION_ALREADY_USED: Final = declare_error("AuthorizationAlreadyUsed(address authorizer, bytes32 nonce)")
INVALID_AUTHORIZATION_SIGNER: Final = declare_error("InvalidAuthorizationSigner(address signer, address authorizer)")
CALLER_IS_NOT_PAYEE: Final = declare_error("CallerIsNotPayee(address caller, address payee)")

SIGNED_ORDER_ERRORS: Final = (
    EXPIRED_PERMIT,
    INVALID_PERMIT_SIGNER,
    AUTHORIZATION_NOT_YET_VALID,
    AUTHORIZATION_EXPIRED,
    AUTHORIZATION_ALREADY_USED,
    INVALID_AUTHORIZATION_SIGNER,
    CALLER_IS_NOT_PAYEE,
)

# What policies and limits refuse in a currency.

POLICY_REFUSES_SENDER: Final = declare_error("PolicyRefusesSender(uint64 policyId, address sender)")
POLICY_REFUSES_RECIPIENT: Final = declare_error("PolicyRefusesRecipient(uint64 policyId, address recipient)")
ACCOUNT_SUSPENDED: Final = declare_error("AccountSuspended(address account, uint8 status)")
TRANSFER_LIMIT_EXCEEDED: Final = declare_error(
    "TransferLimitExceeded(address account, uint8 tier, uint256 limit, uint256 amount)"
)
DAILY_OUT_LIMIT_EXCEEDED: Final = declare_error(
    "DailyOutLimitExceeded(address account, uint8 tier, uint256 limit, uint256 used, uint256 amount)"
)
DAILY_IN_LIMIT_EXCEEDED: Final = declare_error(
    "DailyInLimitExceeded(address account, uint8 tier, uint256 limit, uint256 used, uint256 amount)"
)
BALANCE_LIMIT_EXCEEDED: Final = declare_error(
    "BalanceLimitExceeded(address account, uint8 tier, uint256 limit, uint256 balance, uint256 amount)"
)
UNKNOWN_POLICY: Final = declare_error("UnknownPolicy(uint64 policyId)")
UNLIMITED_TIER: Final = declare_error("UnlimitedTier(uint8 tier)")
LIMIT_TOO_HIGH: Final = declare_error("LimitTooHigh(uint256 limit, uint256 highest)")

COMPLIANCE_ERRORS: Final = (
    POLICY_REFUSES_SENDER,
    POLICY_REFUSES_RECIPIENT,
    ACCOUNT_SUSPENDED,
    TRANSFER_LIMIT_EXCEEDED,
    DAILY_OUT_LIMIT_EXCEEDED,
    DAILY_IN_LIMIT_EXCEEDED,
    BALANCE_LIMIT_EXCEEDED,
    UNKNOWN_POLICY,
    UNLIMITED_TIER,
    LIMIT_TOO_HIGH,
)

# What enforcement refuses in a currency.

INSUFFICIENT_UNFROZEN_BALANCE: Final = declare_error(
    "ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen)"
)
CANNOT_SEND: Final = declare_error("ERC7943CannotSend(address account)")
CANNOT_RECEIVE: Final = declare_error("ERC7943CannotReceive(address account)")

ENFORCEMENT_ERRORS: Final = (INSUFFICIENT_UNFROZEN_BALANCE, CANNOT_SEND, CANNOT_RECEIVE)

# A batch of transfers; a reason is the encoded error of its row alone.

TOO_MANY_ROWS: Final = declare_error("TooManyRows(uint256 count, uint256 highest)")
ROW_COUNTS_DIFFER: Final = declare_error("RowCountsDiffer(uint256 recipients, uint256 amounts, uint256 memos)")
TRANSFER_ROW_FAILED: Final = declare_error("TransferRowFailed(uint256 index, bytes reason)")

TRANSFER_BATCH_ERRORS: Final = (TOO_MANY_ROWS, ROW_COUNTS_DIFFER, TRANSFER_ROW_FAILED)

# Redemptions. A status is a number of contracts.native.redemptions.RedemptionStatus.

ZERO_AMOUNT: Final = declare_error("ZeroAmount()")
UNKNOWN_REDEMPTION: Final = declare_error("UnknownRedemption(uint256 id)")
REDEMPTION_CLOSED: Final = declare_error("RedemptionClosed(uint256 id, uint8 status)")
REDEMPTION_OWNER_ONLY: Final = declare_error("RedemptionOwnerOnly(uint256 id, address caller, address owner)")

REDEMPTION_ERRORS: Final = (ZERO_AMOUNT, UNKNOWN_REDEMPTION, REDEMPTION_CLOSED, REDEMPTION_OWNER_ONLY)

# Reserves. Times are seconds since the epoch, ages seconds.

RESERVES_EXCEEDED: Final = declare_error("ReservesExceeded(uint256 reserves, uint256 supply, uint256 amount)")
ATTESTATION_AGED_OUT: Final = declare_error("AttestationAgedOut(uint64 asOf, uint64 maxAge, uint256 now)")
ATTESTATION_FROM_FUTURE: Final = declare_error("AttestationFromFuture(uint64 asOf, uint256 now)")
ATTESTATION_SUPERSEDED: Final = declare_error("AttestationSuperseded(uint64 asOf, uint64 latest)")
RESERVES_TOO_HIGH: Final = declare_error("ReservesTooHigh(uint256 amount, uint256 highest)")

RESERVE_ERRORS: Final = (
    RESERVES_EXCEEDED,
    ATTESTATION_AGED_OUT,
    ATTESTATION_FROM_FUTURE,
    ATTESTATION_SUPERSEDED,
    RESERVES_TOO_HIGH,
)

# Holds. Times are seconds since the epoch. A status is a number of contracts.native.holds.HoldStatus.

HOLD_EXISTS: Final = declare_error("HoldExists(bytes32 id)")
UNKNOWN_HOLD: Final = declare_error("UnknownHold(bytes32 id)")
HOLD_CLOSED: Final = declare_error("HoldClosed(bytes32 id, uint8 status)")
HOLD_EXPIRED: Final = declare_error("HoldExpired(bytes32 id, uint64 expiresAt, uint256 now)")
EXPIRY_PASSED: Final = declare_error("ExpiryPassed(uint64 expiresAt, uint256 now)")
EXPIRY_NOT_LATER: Final = declare_error("ExpiryNotLater(bytes32 id, uint64 expiresAt, uint64 current)")
EXTENSION_NOT_CONSENTED: Final = declare_error(
    "ExtensionNotConsented(bytes32 id, uint64 expiresAt, uint64 consentedUntil)"
)
INVALID_NOTARY: Final = declare_error("InvalidNotary(address notary)")
HOLD_EXECUTOR_ONLY: Final = declare_error("HoldExecutorOnly(bytes32 id, address caller, address executor)")
HOLD_PAYER_ONLY: Final = declare_error("HoldPayerOnly(bytes32 id, address caller, address payer)")
HOLD_NOT_RELEASABLE: Final = declare_error("HoldNotReleasable(bytes32 id, address caller, uint64 expiresAt)")
HOLD_EXCEEDED: Final = declare_error("HoldExceeded(bytes32 id, uint256 remaining, uint256 needed)")

HOLD_ERRORS: Final = (
    HOLD_EXISTS,
    UNKNOWN_HOLD,
    HOLD_CLOSED,
    HOLD_EXPIRED,
    EXPIRY_PASSED,
    EXPIRY_NOT_LATER,
    EXTENSION_NOT_CONSENTED,
    INVALID_NOTARY,
    HOLD_EXECUTOR_ONLY,
    HOLD_PAYER_ONLY,
    HOLD_NOT_RELEASABLE,
    HOLD_EXCEEDED,
)

# Roles.

UNAUTHORIZED_ACCOUNT: Final = declare_error("AccessControlUnauthorizedAccount(address account, bytes32 neededRole)")
BAD_CONFIRMATION: Final = declare_error("AccessControlBadConfirmation()")
INVALID_ROLE_ACCOUNT: Final = declare_error("InvalidRoleAccount(address account)")
LAST_ADMIN: Final = declare_error("LastAdmin(address account)")
NO_ADMIN_TRANSFER: Final = declare_error("NoAdminTransfer(address account)")

ROLE_ERRORS: Final = (UNAUTHORIZED_ACCOUNT, BAD_CONFIRMATION, INVALID_ROLE_ACCOUNT, LAST_ADMIN, NO_ADMIN_TRANSFER)

# Registries.

GOVERNOR_ONLY: Final = declare_error("GovernorOnly(address caller, address governor)")
INVALID_CURRENCY_CODE: Final = declare_error("InvalidCurrencyCode(string code)")
INVALID_CURRENCY_NAME: Final = declare_error("InvalidCurrencyName(string name)")
INVALID_DECIMALS: Final = declare_error("InvalidDecimals(uint8 decimals, uint8 highest)")
CURRENCY_CODE_TAKEN: Final = declare_error("CurrencyCodeTaken(string code, address currency)")
UNKNOWN_CURRENCY_CODE: Final = declare_error("UnknownCurrencyCode(string code)")
INDEX_OUT_OF_RANGE: Final = declare_error("IndexOutOfRange(uint256 index, uint256 count)")

REGISTRY_ERRORS: Final = (
    GOVERNOR_ONLY,
    INVALID_CURRENCY_CODE,
    INVALID_CURRENCY_NAME,
    INVALID_DECIMALS,
    CURRENCY_CODE_TAKEN,
    UNKNOWN_CURRENCY_CODE,
    INVALID_ROLE_ACCOUNT,
    INDEX_OUT_OF_RANGE,
)

# PolicyRegistry. A kind is a number of contracts.native.policy_rules.PolicyKind.

INVALID_POLICY_KIND: Final = declare_error("InvalidPolicyKind(uint8 kind)")
NESTED_COMPOUND: Final = declare_error("NestedCompound(uint64 policyId)")
IMMUTABLE_POLICY: Final = declare_error("ImmutablePolicy(uint64 policyId)")
POLICY_ADMIN_ONLY: Final = declare_error("PolicyAdminOnly(uint64 policyId, address caller, address admin)")
TOO_MANY_ACCOUNTS: Final = declare_error("TooManyAccounts(uint256 count, uint256 highest)")
NO_POLICY_ADMIN_TRANSFER: Final = declare_error("NoPolicyAdminTransfer(uint64 policyId, address account)")

POLICY_ERRORS: Final = (
    UNKNOWN_POLICY,
    INVALID_POLICY_KIND,
    NESTED_COMPOUND,
    IMMUTABLE_POLICY,
    POLICY_ADMIN_ONLY,
    TOO_MANY_ACCOUNTS,
    NO_POLICY_ADMIN_TRANSFER,
    INVALID_ROLE_ACCOUNT,
)

# AccountRegistry. A status is a number of contracts.native.accounts.AccountStatus.

BANK_ONLY: Final = declare_error("BankOnly(address caller)")
UNKNOWN_BANK: Final = declare_error("UnknownBank(address bank)")
INVALID_BANK_NAME: Final = declare_error("InvalidBankName(string name)")
INVALID_BIC: Final = declare_error("InvalidBic(string bic)")
ACCOUNT_NOT_REGISTERED: Final = declare_error("AccountNotRegistered(address account)")
ACCOUNT_REGISTERED_ALREADY: Final = declare_error("AccountRegisteredAlready(address account, uint32 sponsorId)")
SPONSOR_ONLY: Final = declare_error("SponsorOnly(address caller, address account, uint32 sponsorId)")
INVALID_TIER: Final = declare_error("InvalidTier(uint8 tier, uint8 highest)")
PERMISSIONS_NOT_HELD: Final = declare_error("PermissionsNotHeld(uint16 permissions, uint16 highest)")
SUSPENDED_ALREADY: Final = declare_error("SuspendedAlready(address account, uint8 status)")
ACCOUNT_NOT_SUSPENDED: Final = declare_error("AccountNotSuspended(address account)")
SUSPENDED_BY_GOVERNOR: Final = declare_error("SuspendedByGovernor(address account)")

ACCOUNT_ERRORS: Final = (
    GOVERNOR_ONLY,
    BANK_ONLY,
    UNKNOWN_BANK,
    INVALID_BANK_NAME,
    INVALID_BIC,
    ACCOUNT_NOT_REGISTERED,
    ACCOUNT_REGISTERED_ALREADY,
    SPONSOR_ONLY,
    INVALID_TIER,
    PERMISSIONS_NOT_HELD,
    ACCOUNT_SUSPENDED,
    SUSPENDED_ALREADY,
    ACCOUNT_NOT_SUSPENDED,
    SUSPENDED_BY_GOVERNOR,
    INVALID_ROLE_ACCOUNT,
    INDEX_OUT_OF_RANGE,
)

# Batch.

TOO_MANY_CALLS: Final = declare_error("TooManyCalls(uint256 count, uint256 highest)")
BATCH_TARGET_REFUSED: Final = declare_error("BatchTargetRefused(uint256 index, address target)")
BATCH_CALL_FAILED: Final = declare_error("BatchCallFailed(uint256 index, bytes reason)")

BATCH_ERRORS: Final = (TOO_MANY_CALLS, BATCH_TARGET_REFUSED, BATCH_CALL_FAILED)

# ProtocolConfig.

UNKNOWN_PARAMETER: Final = declare_error("UnknownParameter(string name)")
PARAMETER_OUT_OF_RANGE: Final = declare_error(
    "ParameterOutOfRange(string name, uint256 value, uint256 lowest, uint256 highest)"
)
NO_GOVERNOR_TRANSFER: Final = declare_error("NoGovernorTransfer(address account)")

CONFIG_ERRORS: Final = (
    GOVERNOR_ONLY,
    UNKNOWN_PARAMETER,
    PARAMETER_OUT_OF_RANGE,
    INVALID_ROLE_ACCOUNT,
    NO_GOVERNOR_TRANSFER,
)

# ValidatorRegistry. A status is the number of contracts.native.validator_state.Status.

ALREADY_REGISTERED: Final = declare_error("AlreadyRegistered(address operator, uint8 status)")
WRONG_STATUS: Final = declare_error("WrongStatus(address operator, uint8 status, uint8 needed)")
NOT_REGISTERED: Final = declare_error("NotRegistered(address operator)")
INVALID_VALIDATOR_NAME: Final = declare_error("InvalidValidatorName(string name)")
VALIDATOR_NAME_TAKEN: Final = declare_error("ValidatorNameTaken(string name, address operator)")
INVALID_ENDPOINT_COUNT: Final = declare_error("InvalidEndpointCount(uint256 count, uint256 highest)")
INVALID_ENDPOINT: Final = declare_error("InvalidEndpoint(string endpoint)")
VALIDATOR_KEY_INVALID: Final = declare_error("ValidatorKeyInvalid(bytes32 key)")
VALIDATOR_KEY_TAKEN: Final = declare_error("ValidatorKeyTaken(bytes32 key, address operator)")
KEY_PROOF_INVALID: Final = declare_error("KeyProofInvalid(bytes32 key)")
REQUEST_PENDING: Final = declare_error("RequestPending(address operator, uint64 sequence)")
NO_REQUEST: Final = declare_error("NoRequest(address operator)")
ALREADY_READY: Final = declare_error("AlreadyReady(address operator)")
TOO_MANY_CANDIDATES: Final = declare_error("TooManyCandidates(uint256 count, uint256 highest)")
EPOCH_ENDING: Final = declare_error("EpochEnding(uint64 epoch)")
EVIDENCE_MALFORMED: Final = declare_error("EvidenceMalformed(uint8 vote, uint256 length)")
EVIDENCE_EPOCH_UNKNOWN: Final = declare_error("EvidenceEpochUnknown(uint64 epoch, uint64 running)")
EVIDENCE_SIGNER_UNKNOWN: Final = declare_error("EvidenceSignerUnknown(uint16 signer, uint256 count)")
EVIDENCE_NOT_CONFLICTING: Final = declare_error("EvidenceNotConflicting()")
EVIDENCE_SIGNATURE_INVALID: Final = declare_error("EvidenceSignatureInvalid(uint8 vote, bytes32 consensusKey)")
EVIDENCE_KNOWN: Final = declare_error("EvidenceKnown(bytes32 consensusKey, uint64 epoch, uint64 view)")

VALIDATOR_ERRORS: Final = (
    GOVERNOR_ONLY,
    ALREADY_REGISTERED,
    WRONG_STATUS,
    NOT_REGISTERED,
    INVALID_VALIDATOR_NAME,
    VALIDATOR_NAME_TAKEN,
    INVALID_ENDPOINT_COUNT,
    INVALID_ENDPOINT,
    VALIDATOR_KEY_INVALID,
    VALIDATOR_KEY_TAKEN,
    KEY_PROOF_INVALID,
    REQUEST_PENDING,
    NO_REQUEST,
    ALREADY_READY,
    TOO_MANY_CANDIDATES,
    EPOCH_ENDING,
    EVIDENCE_MALFORMED,
    EVIDENCE_EPOCH_UNKNOWN,
    EVIDENCE_SIGNER_UNKNOWN,
    EVIDENCE_NOT_CONFLICTING,
    EVIDENCE_SIGNATURE_INVALID,
    EVIDENCE_KNOWN,
    INDEX_OUT_OF_RANGE,
)
