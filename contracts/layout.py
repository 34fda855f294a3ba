"""Where a value lies in a contract's storage, as Solidity would place it.

A slot is the number 0 to 2^256 - 1 that `eth_getStorageAt` and `eth_getProof` take. Slots once published never
move: a new field takes a new slot. Source: Solidity, "Layout of State Variables in Storage"; ledger.md §4.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from consensus.primitives.hashing import keccak256, keccak256_cached

WORD_BYTES: Final = 32
UINT256_MAX: Final = 2**256 - 1
_ADDRESS_PADDING: Final = bytes(12)


_SLOTS_REMEMBERED: Final = 131_072
"""Slots of mappings that are remembered, of each kind: those of 30 000 accounts that move money, about 40 MB. Half as
many would hash again for every other payment of a large bank."""


@lru_cache(maxsize=_SLOTS_REMEMBERED)
def address_mapping_slot(account: bytes, slot: int) -> int:
    """Return the slot of `mapping(address => …)` at `slot` for `account` (20 bytes)."""
    return int.from_bytes(keccak256(_ADDRESS_PADDING + account + slot.to_bytes(32, "big")), "big")


@lru_cache(maxsize=_SLOTS_REMEMBERED)
def word_mapping_slot(key: bytes, slot: int) -> int:
    """Return the slot of `mapping(bytes32 => …)` at `slot` for `key` (32 bytes)."""
    return int.from_bytes(keccak256(key + slot.to_bytes(32, "big")), "big")


@lru_cache(maxsize=_SLOTS_REMEMBERED)
def number_mapping_slot(key: int, slot: int) -> int:
    """Return the slot of `mapping(uint… => …)` at `slot` for the number `key`."""
    return int.from_bytes(keccak256(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")


def text_mapping_slot(key: bytes, slot: int) -> int:
    """Return the slot of `mapping(string => …)` at `slot` for `key` of any length: not padded, as Solidity does."""
    return int.from_bytes(keccak256(key + slot.to_bytes(32, "big")), "big")


def array_data_slot(slot: int) -> int:
    """Return the first slot of the elements of the dynamic array (or long string) whose length is at `slot`."""
    return int.from_bytes(keccak256_cached(slot.to_bytes(32, "big")), "big")


def read_packed(word: int, *, offset_bits: int, bits: int) -> int:
    """Return the unsigned field of `bits` bits that begins `offset_bits` above the lowest bit of `word`."""
    return word >> offset_bits & (1 << bits) - 1


def write_packed(word: int, value: int, *, offset_bits: int, bits: int) -> int:
    """Return `word` with that field set to `value` (0 to 2^bits - 1) and all others kept."""
    assert 0 <= value < 1 << bits
    mask = (1 << bits) - 1 << offset_bits
    return word & ~mask | value << offset_bits


def encode_text(text: bytes, slot: int) -> dict[int, int]:
    """Return the words of a Solidity `string` or `bytes` variable at `slot`, by slot.

    Up to 31 bytes share one word with twice the length; longer ones keep 2 · length + 1 there and lie behind it.
    """
    length = len(text)
    if length < WORD_BYTES:
        return {slot: int.from_bytes(text.ljust(31, b"\x00") + bytes((2 * length,)), "big")}
    words = {slot: 2 * length + 1}
    first = array_data_slot(slot)
    for at in range(0, length, WORD_BYTES):
        # at is a multiple of 32: no remainder.
        words[first + at // WORD_BYTES] = int.from_bytes(text[at : at + WORD_BYTES].ljust(WORD_BYTES, b"\x00"), "big")
    return words


def read_text(get_slot: Callable[[int], int], slot: int) -> bytes:
    """Return the Solidity `string` or `bytes` variable at `slot`, read word by word through `get_slot`."""
    head = get_slot(slot)
    if not head & 1:
        # The lowest byte is twice the length: halving leaves no remainder.
        return head.to_bytes(WORD_BYTES, "big")[: (head & 0xFF) // 2]
    # Twice the length and 1: the remainder is that 1.
    length = head // 2
    first = array_data_slot(slot)
    word_count = -(-length // WORD_BYTES)
    words = [get_slot(first + index).to_bytes(WORD_BYTES, "big") for index in range(word_count)]
    return b"".join(words)[:length]


# Currency


class CurrencySlots:
    """Slots of every currency, version 1. Fields without a function yet keep their place."""

    FLAGS: Final = 0
    """Packed from the lowest bit: decimals u8, paused u8, limitsEnabled u8, policyId u64, frozenAccounts u64.

    With frozenAccounts at 0 a payment need not ask what is frozen.
    """
    TOTAL_SUPPLY: Final = 1
    """uint256, always below 2^128."""
    BALANCES: Final = 2
    """mapping(address => uint256)."""
    ALLOWANCES: Final = 3
    """mapping(address owner => mapping(address spender => uint256))."""
    FROZEN: Final = 4
    """mapping(address => uint256), ERC-7943."""
    HELD: Final = 5
    """mapping(address => uint256): sum of open holds."""
    HOLDS: Final = 6
    """mapping(bytes32 id => hold record of five words)."""
    MINTER_ALLOWANCES: Final = 7
    """mapping(address => uint256)."""
    NONCES: Final = 8
    """mapping(address => uint256), ERC-2612."""
    AUTHORIZATION_STATES: Final = 9
    """mapping(address => mapping(bytes32 nonce => bool)), ERC-3009."""
    REDEMPTIONS: Final = 10
    """mapping(uint256 id => redemption record of three words)."""
    PARKED: Final = 11
    """mapping(address => uint256): sum of open redemptions."""
    RESERVES: Final = 12
    """Packed from the lowest bit: reserve amount u128, asOf u64, maxAge u64; maxAge 0 asks for no reserve."""
    ROLES: Final = 13
    """mapping(bytes32 role => mapping(address => bool))."""
    ADMIN_COUNT: Final = 14
    """uint256: holders of DEFAULT_ADMIN_ROLE."""
    ADMIN_TRANSFER_FROM: Final = 15
    """address: the admin who began a handover; 0 if none is under way."""
    ADMIN_TRANSFER_TO: Final = 16
    """address: the admin-to-be; 0 if none."""
    SUPPLY_CAP: Final = 17
    """uint256, below 2^128."""
    NAME: Final = 18
    """string."""
    SYMBOL: Final = 19
    """string: the currency's code."""
    REDEMPTION_COUNT: Final = 20
    """uint256: redemptions asked for; the newest has this id."""
    RESERVE_DOCUMENT: Final = 21
    """bytes32: hash of the document behind the reserve attestation."""
    TIER_LIMITS: Final = 30
    """mapping(uint8 tier => record of two words)."""
    DAILY_USE: Final = 31
    """mapping(address => packed: day u32, out u112, in u112)."""


DECIMALS_OFFSET_BITS: Final = 0
PAUSED_OFFSET_BITS: Final = 8
LIMITS_ENABLED_OFFSET_BITS: Final = 16
POLICY_ID_OFFSET_BITS: Final = 24
POLICY_ID_BITS: Final = 64
FROZEN_ACCOUNTS_OFFSET_BITS: Final = 88
FROZEN_ACCOUNTS_BITS: Final = 64


class RedemptionWords:
    """Words of a redemption's record, counted from the slot of its id."""

    OWNER: Final = 0
    """Packed from the lowest bit: owner address, status u8, requestedAt u64. Never 0 once asked for."""
    AMOUNT: Final = 1
    """uint256, minor units."""
    MEMO: Final = 2
    """bytes32."""


REDEMPTION_STATUS_OFFSET_BITS: Final = 160
REDEMPTION_REQUESTED_AT_OFFSET_BITS: Final = 168

RESERVE_AMOUNT_BITS: Final = 128
RESERVE_AS_OF_OFFSET_BITS: Final = 128
RESERVE_MAX_AGE_OFFSET_BITS: Final = 192


class HoldWords:
    """Words of a hold's record, counted from the slot of its id."""

    PAYER: Final = 0
    """Packed from the lowest bit: payer address, status u8, expiresAt u64. Never 0 once made: an id is used once."""
    PAYEE: Final = 1
    """Packed: payee address, expiresAtConsented u64: until when whoever executes it lets it be extended."""
    NOTARY: Final = 2
    """address; 0 if the payee executes it."""
    AMOUNTS: Final = 3
    """Packed: amount u128, remaining u128."""
    MEMO: Final = 4
    """bytes32."""


HOLD_STATUS_OFFSET_BITS: Final = 160
HOLD_EXPIRES_AT_OFFSET_BITS: Final = 168
HOLD_CONSENTED_OFFSET_BITS: Final = 160
HOLD_REMAINING_OFFSET_BITS: Final = 128


def balance_slot(account: bytes) -> int:
    """Return the slot of `account`'s balance in any currency; the whole word is the amount in minor units."""
    return address_mapping_slot(account, CurrencySlots.BALANCES)


def allowance_slot(owner: bytes, spender: bytes) -> int:
    """Return the slot of what `spender` may move of `owner`'s balance."""
    return address_mapping_slot(spender, address_mapping_slot(owner, CurrencySlots.ALLOWANCES))


def permit_nonce_slot(owner: bytes) -> int:
    """Return the slot of how many permits of `owner` were used."""
    return address_mapping_slot(owner, CurrencySlots.NONCES)


def authorization_slot(authorizer: bytes, nonce: bytes) -> int:
    """Return the slot that holds 1 once the authorization with `nonce` (32 bytes) was used or cancelled."""
    return word_mapping_slot(nonce, address_mapping_slot(authorizer, CurrencySlots.AUTHORIZATION_STATES))


def minter_allowance_slot(minter: bytes) -> int:
    """Return the slot of what `minter` may still mint."""
    return address_mapping_slot(minter, CurrencySlots.MINTER_ALLOWANCES)


def frozen_slot(account: bytes) -> int:
    """Return the slot of how much of `account`'s balance is frozen, in minor units; may exceed the balance."""
    return address_mapping_slot(account, CurrencySlots.FROZEN)


def held_slot(account: bytes) -> int:
    """Return the slot of what `account`'s open holds have left to pay."""
    return address_mapping_slot(account, CurrencySlots.HELD)


def parked_slot(account: bytes) -> int:
    """Return the slot of what `account` asked to redeem and nobody answered."""
    return address_mapping_slot(account, CurrencySlots.PARKED)


def redemption_slot(redemption_id: int) -> int:
    """Return the first of the three slots of a redemption."""
    return number_mapping_slot(redemption_id, CurrencySlots.REDEMPTIONS)


def hold_slot(hold_id: bytes) -> int:
    """Return the first of the five slots of the hold with this id (32 bytes)."""
    return word_mapping_slot(hold_id, CurrencySlots.HOLDS)


def role_slot(role: bytes, account: bytes) -> int:
    """Return the slot that holds 1 if `account` has `role` (32 bytes)."""
    return address_mapping_slot(account, word_mapping_slot(role, CurrencySlots.ROLES))


LIMIT_BITS: Final = 112
"""Width of a limit and of a day's counter: two counters and the number of their day then fit one word."""
TIER_LIMIT_FIELD_BITS: Final = 128
"""A tier's two words have two fields each, from the lowest bit: perTransferMax, balanceMax; dailyOutMax, dailyInMax."""
USE_DAY_BITS: Final = 32
USE_OUT_OFFSET_BITS: Final = 32
USE_IN_OFFSET_BITS: Final = 144


def tier_limits_slot(tier: int) -> int:
    """Return the first of the two slots of the limits of `tier` (0 to 255) in any currency."""
    return number_mapping_slot(tier, CurrencySlots.TIER_LIMITS)


def daily_use_slot(account: bytes) -> int:
    """Return the slot of what `account` moved on the last day on which a daily limit counted it."""
    return address_mapping_slot(account, CurrencySlots.DAILY_USE)


# PolicyRegistry


class PolicyRegistrySlots:
    """Slots of the PolicyRegistry, version 1."""

    COUNT: Final = 0
    """uint256: policies created; the newest has this number plus 1 as its id, because 0 and 1 are built in."""
    POLICIES: Final = 1
    """mapping(uint64 id => packed: kind u8, admin address; of a compound: kind u8 and three ids u64)."""
    ADMINS_OFFERED: Final = 2
    """mapping(uint64 id => address): the admin-to-be; 0 if no handover is under way."""
    LISTED: Final = 3
    """mapping(uint64 id => mapping(address => bool))."""


POLICY_KIND_BITS: Final = 8
POLICY_ADMIN_OFFSET_BITS: Final = 8
POLICY_SENDER_OFFSET_BITS: Final = 8
POLICY_RECIPIENT_OFFSET_BITS: Final = 72
POLICY_MINT_RECIPIENT_OFFSET_BITS: Final = 136


def policy_slot(policy_id: int) -> int:
    """Return the slot of the record of a policy; the word is 0 if it was never created."""
    return number_mapping_slot(policy_id, PolicyRegistrySlots.POLICIES)


def policy_admin_offered_slot(policy_id: int) -> int:
    """Return the slot of the account to which a policy's administration is offered."""
    return number_mapping_slot(policy_id, PolicyRegistrySlots.ADMINS_OFFERED)


def policy_listed_slot(policy_id: int, account: bytes) -> int:
    """Return the slot that holds 1 if `account` is on the list of a policy."""
    listed = number_mapping_slot(policy_id, PolicyRegistrySlots.LISTED)
    return address_mapping_slot(account, listed)


# AccountRegistry


class AccountRegistrySlots:
    """Slots of the AccountRegistry, version 1."""

    RECORDS: Final = 0
    """mapping(address => packed: sponsor id u32, tier u8, status u8, permissions u16, registeredAt u64)."""
    BANK_COUNT: Final = 1
    """uint256: banks registered; the newest has this id."""
    BANKS: Final = 2
    """mapping(uint32 id => record of three words)."""
    BANK_ID_BY_ADDRESS: Final = 3
    """mapping(address => uint32 id); 0 if the address is no bank."""


class BankWords:
    """Words of a bank's record, counted from the slot of its id."""

    ADDRESS_AND_QUOTA: Final = 0
    """Packed: bank address, quotaGasPerMinute u64."""
    NAME: Final = 1
    """string of at most 31 bytes: one word."""
    BIC: Final = 2
    """string of 8 or 11 bytes: one word."""


ACCOUNT_SPONSOR_BITS: Final = 32
ACCOUNT_TIER_OFFSET_BITS: Final = 32
ACCOUNT_STATUS_OFFSET_BITS: Final = 40
ACCOUNT_PERMISSIONS_OFFSET_BITS: Final = 48
ACCOUNT_PERMISSIONS_BITS: Final = 16
ACCOUNT_REGISTERED_AT_OFFSET_BITS: Final = 64
BANK_QUOTA_OFFSET_BITS: Final = 160


def account_slot(account: bytes) -> int:
    """Return the slot of an account's record; the word is 0 if it was never registered."""
    return address_mapping_slot(account, AccountRegistrySlots.RECORDS)


def bank_slot(bank_id: int) -> int:
    """Return the first of the three slots of the bank numbered `bank_id`."""
    return number_mapping_slot(bank_id, AccountRegistrySlots.BANKS)


def bank_id_slot(bank: bytes) -> int:
    """Return the slot of the number of the bank with this address; the word is 0 if it is no bank."""
    return address_mapping_slot(bank, AccountRegistrySlots.BANK_ID_BY_ADDRESS)


# CurrencyRegistry


class CurrencyRegistrySlots:
    """Slots of the CurrencyRegistry, version 1."""

    COUNT: Final = 0
    """uint256: currencies created; the newest has this id."""
    ID_BY_CODE: Final = 1
    """mapping(string code => uint256 id)."""


def currency_id_slot(code: bytes) -> int:
    """Return the registry's slot of the id of the currency with `code` (ASCII); the word is 0 if there is none."""
    return text_mapping_slot(code, CurrencyRegistrySlots.ID_BY_CODE)


# ValidatorRegistry


class ValidatorRegistrySlots:
    """Slots of the ValidatorRegistry, version 1."""

    VALIDATORS: Final = 0
    """Dynamic array of records of five words: the set in force."""
    EPOCH: Final = 1
    """Packed from the lowest bit: epoch u64, its first height u64, isEnding u8 (by the council, in this block)."""
    GENESIS_HASH: Final = 2
    """bytes32: hash of block 0, written at height 1 because no state holds its own block's hash."""
    MEMBERS: Final = 3
    """mapping(address operator => member record of ten words)."""
    OPERATOR_BY_NAME: Final = 4
    """mapping(string name => address operator)."""
    KEYS: Final = 5
    """mapping(bytes32 key => packed: operator address, freeFromEpoch u64; 0 there while the key is in use)."""
    ENDPOINTS: Final = 6
    """mapping(bytes32 hash => bytes): the RLP list of texts that has this SHA-256."""
    APPLICANTS: Final = 7
    """address[]: operators that asked to join and were not answered."""
    CANDIDATES: Final = 8
    """address[]: operators that were approved and are not in a set yet."""
    LAST_SEQUENCE: Final = 9
    """uint64: number of the newest request."""
    FORMER_SETS: Final = 10
    """mapping(uint64 epoch => dynamic array of records of five words): the sets of the two epochs before."""
    EVIDENCE: Final = 11
    """Dynamic array of records of three words."""
    EVIDENCE_KNOWN: Final = 12
    """mapping(bytes32 => bool): keccak-256 of consensus key, epoch u64 and view u64 of every accepted evidence."""
    SUSPENDED: Final = 13
    """address[]: operators that were taken out and may come back."""


VALIDATOR_WORDS: Final = 5
"""Words of a record, in order: consensus key, TLS key, attestation key, operator, hash of endpoints."""

EVIDENCE_WORDS: Final = 3
"""Words of evidence: consensus key; operator, first kind u8, second kind u8; epoch u64, view u64, height u64."""

FIRST_HEIGHT_OFFSET_BITS: Final = 64
IS_ENDING_OFFSET_BITS: Final = 128

KEY_FREE_FROM_OFFSET_BITS: Final = 160


class MemberWords:
    """Words of a member record, counted from the slot of its operator."""

    STATUS: Final = 0
    """Packed: status u8, isReady u8, listIndex u64, joinSequence u64."""
    REQUESTS: Final = 1
    """Packed: suspendSequence u64, leaveSequence u64, rotateSequence u64; 0 where nothing is asked for."""
    KEYS: Final = 2
    """Consensus key, TLS key, attestation key."""
    ENDPOINTS_HASH: Final = 5
    """bytes32."""
    NEXT_KEYS: Final = 6
    """The three keys of a rotation that waits; 0 if none does."""
    NAME: Final = 9
    """string of at most 31 bytes: one word."""


def validator_slot(index: int) -> int:
    """Return the first of the five slots of the validator at `index`, from 0."""
    return array_data_slot(ValidatorRegistrySlots.VALIDATORS) + VALIDATOR_WORDS * index


def member_slot(operator: bytes) -> int:
    """Return the first of the ten slots of what the registry keeps of `operator`."""
    return address_mapping_slot(operator, ValidatorRegistrySlots.MEMBERS)


def former_set_slot(epoch: int) -> int:
    """Return the slot of the set of a past epoch: its length, with the records behind it as in any array."""
    return number_mapping_slot(epoch, ValidatorRegistrySlots.FORMER_SETS)


# ProtocolConfig


class ProtocolConfigSlots:
    """Slots of the ProtocolConfig, version 1, beside one per parameter."""

    GOVERNOR: Final = 0
    """address."""
    GOVERNOR_OFFERED: Final = 13
    """address: the governor-to-be; 0 if no handover is under way."""
    SCHEDULED: Final = 14
    """mapping(uint256 parameter's slot => uint256): value from the next epoch on; 0 if none is scheduled."""
    ACCOUNT_MODE: Final = 15
    """uint8: 0 open, 1 registered."""


PROTOCOL_PARAMETER_SLOTS: Final = {
    "network_delta_ms": 1,
    "build_budget_ms": 2,
    "certify_budget_ms": 3,
    "block_interval_min_ms": 4,
    "empty_block_interval_ms": 5,
    "epoch_blocks_max": 6,
    "block_bytes_max": 7,
    "timestamp_ahead_max_ms": 8,
    "timestamp_behind_max_ms": 9,
    "block_gas_limit": 10,
    "tx_work_max": 11,
    "block_work_max": 12,
    "offline_grace_min_s": 16,
    "offline_life_max_s": 17,
    "unsponsored_gas_per_minute": 18,
}
"""Slot of each parameter, a uint256 word of its own."""


def scheduled_parameter_slot(parameter_slot: int) -> int:
    """Return the slot of the value that the parameter kept in `parameter_slot` gets with the next epoch."""
    return number_mapping_slot(parameter_slot, ProtocolConfigSlots.SCHEDULED)
