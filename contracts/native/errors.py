"""Every named error a native contract reverts with.

Names and values are ABI: contracts, wallets and receipts show them, so none is ever renamed. Order follows the
checks. Sources: ERC-6093 (ERC20…), OpenZeppelin Contracts 5 (AccessControl…, EnforcedPause, ExpectedPause); the rest
are ours.
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

DISPATCH_ERRORS: Final = (
    NO_CONTRACT_HERE,
    VALUE_NOT_ACCEPTED,
    UNKNOWN_FUNCTION,
    OUT_OF_GAS,
    WRITE_IN_STATIC_CALL,
    CALLDATA_TOO_SHORT,
    CALLDATA_TOO_LONG,
    CALLDATA_NOT_CANONICAL,
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

# Validators.

MEMBER_STATE_UNFIT: Final = declare_error("MemberStateUnfit(address operator, uint8 state)")
MEMBER_IS_SUSPENDED: Final = declare_error("MemberIsSuspended(address operator)")
MEMBER_NOT_SUSPENDED: Final = declare_error("MemberNotSuspended(address operator)")
MEMBERS_FULL: Final = declare_error("MembersFull(uint256 count, uint256 highest)")
INVALID_VALIDATOR_NAME: Final = declare_error("InvalidValidatorName(string name)")
VALIDATOR_NAME_TAKEN: Final = declare_error("ValidatorNameTaken(string name, address operator)")
INVALID_ENDPOINTS: Final = declare_error("InvalidEndpoints(string endpoints)")
INVALID_VALIDATOR_KEY: Final = declare_error("InvalidValidatorKey(bytes32 key)")
VALIDATOR_KEY_TAKEN: Final = declare_error("ValidatorKeyTaken(bytes32 key, address operator)")
POSSESSION_NOT_PROVEN: Final = declare_error("PossessionNotProven(bytes32 key)")

VALIDATOR_ERRORS: Final = (
    GOVERNOR_ONLY,
    MEMBER_STATE_UNFIT,
    MEMBER_IS_SUSPENDED,
    MEMBER_NOT_SUSPENDED,
    MEMBERS_FULL,
    INVALID_VALIDATOR_NAME,
    VALIDATOR_NAME_TAKEN,
    INVALID_ENDPOINTS,
    INVALID_VALIDATOR_KEY,
    VALIDATOR_KEY_TAKEN,
    POSSESSION_NOT_PROVEN,
    INVALID_ROLE_ACCOUNT,
    INDEX_OUT_OF_RANGE,
)

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
