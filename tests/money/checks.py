"""The model's whole state against what views answer and what the published slots hold. Source: ledger.md §4."""

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, POLICY_REGISTRY
from tests.money.doors import Disagreement, Doors
from tests.money.model.roles import ADMIN, ROLES, admins
from tests.money.model.rules import RECIPIENT, admits, is_suspended, may_send, tier_of, used_today
from tests.money.model.state import NOBODY, Call, Money, Policy, State, is_system
from tests.money.world import ADDRESSES, STRANGER

SUPPLY_SLOT, BALANCES_SLOT, ALLOWANCES_SLOT, FROZEN_SLOT, HELD_SLOT = range(1, 6)
"""As published in ledger.md §4."""

EVERYBODY = (*ADDRESSES, STRANGER)


def check_state(doors: Doors, state: State, now_s: int, *, holders: tuple[bytes, ...] = EVERYBODY) -> None:
    """Compare everything, and the supply with what all `holders` have. Raises: Disagreement naming what differs."""
    for money in state.moneys.values():
        call = Call(state, money.address, NOBODY, now_s, NOBODY, [])
        _check_currency(doors, money)
        _check_records(doors, money)
        total = sum(_check_account(doors, call, account) for account in holders)
        _expect(f"supply of 0x{money.address.hex()}", total, money.supply)
    for number, policy in state.policies.items():
        _check_policy(doors, state, number, policy)
    _check_accounts(doors, state)


def _check_currency(doors: Doors, money: Money) -> None:
    reader = _Reader(doors, money.address)
    reader.expect("totalSupply", money.supply)
    reader.expect("supplyCap", money.cap)
    reader.expect("paused", money.is_paused)
    reader.expect("limitsEnabled", money.has_limits)
    reader.expect("transferPolicyId", money.policy_id)
    reader.expect("reserves", *money.reserves)
    reader.expect("reserveRule", money.reserve_age_max_s)
    reader.expect("adminCount", len(admins(money)))
    reader.expect("pendingAdminTransfer", *money.admin_offer)
    reader.expect("redemptionCount", len(money.redemptions))
    _expect("slot of the supply", doors.slot(money.address, SUPPLY_SLOT), money.supply)
    for tier in (1, 2, 254, 255):
        reader.expect("tierLimitsOf", *money.tier_limits.get(tier, (0, 0, 0, 0)), given=(tier,))
    for (owner, spender), amount in money.allowances.items():
        slot = _mapping_slot(spender, _mapping_slot(owner, ALLOWANCES_SLOT))
        _expect("slot of an allowance", doors.slot(money.address, slot), amount)
    for role in (ADMIN, *ROLES.values()):
        for account in ADDRESSES:
            reader.expect("hasRole", (role, account) in money.roles, given=(role, account))


def _check_records(doors: Doors, money: Money) -> None:
    reader = _Reader(doors, money.address)
    for hold_id, hold in money.holds.items():
        parties = (hold.payer, hold.payee, hold.notary)
        times = (hold.expires_at_s, hold.consented_until_s)
        found = (*parties, hold.amount, hold.remaining, *times, hold.memo, hold.status)
        reader.expect("holdOf", *found, given=(hold_id,))
    for number, row in money.redemptions.items():
        found_row = (row.owner, row.amount, row.memo, row.requested_at_s, row.status)
        reader.expect("redemptionOf", *found_row, given=(number,))
    for authorizer, nonce in money.orders_used:
        reader.expect("authorizationState", True, given=(authorizer, nonce))


def _check_account(doors: Doors, call: Call, account: bytes) -> int:
    """Return what an account has in all, as its position says."""
    money = call.money
    reader = _Reader(doors, money.address)
    balance, frozen = money.balances.get(account, 0), money.frozen.get(account, 0)
    held, parked = money.held_by(account), money.parked_by(account)
    reader.expect("positionOf", balance, held, frozen, parked, max(balance - frozen, 0), given=(account,))
    for slot, amount in ((BALANCES_SLOT, balance), (FROZEN_SLOT, frozen), (HELD_SLOT, held)):
        _expect(f"slot {slot} of 0x{account.hex()}", doors.slot(money.address, _mapping_slot(account, slot)), amount)
    tier = tier_of(call, account)
    single, out_max, in_max, highest = money.tier_limits.get(tier, (0, 0, 0, 0))
    out, incoming = used_today(call, account)
    left = (out_max, out, max(out_max - out, 0), in_max, incoming, max(in_max - incoming, 0))
    reader.expect("limitsOf", tier, single, highest, *left, given=(account,))
    reader.expect("minterAllowance", money.minters.get(account, 0), given=(account,))
    reader.expect("nonces", money.permits_used.get(account, 0), given=(account,))
    reader.expect("canSend", may_send(call, account), given=(account,))
    can_receive = not is_system(account) and admits(call, money.policy_id, account, RECIPIENT)
    reader.expect("canReceive", can_receive, given=(account,))
    return balance + held + parked


def _check_policy(doors: Doors, state: State, number: int, policy: Policy) -> None:
    reader = _Reader(doors, POLICY_REGISTRY)
    reader.expect("policyOf", policy.kind, policy.admin, policy.offered_to, given=(number,))
    if policy.kind == 3:
        reader.expect("compoundPolicyOf", *policy.sides, given=(number,))
    call = Call(state, POLICY_REGISTRY, NOBODY, 0, NOBODY, [])
    for account in EVERYBODY:
        sender, recipient, mint_recipient = (admits(call, number, account, side) for side in range(3))
        reader.expect("isAuthorized", sender and recipient, given=(number, account))
        reader.expect("isAuthorizedMintRecipient", mint_recipient, given=(number, account))


def _check_accounts(doors: Doors, state: State) -> None:
    reader = _Reader(doors, ACCOUNT_REGISTRY)
    reader.expect("bankCount", len(state.banks))
    for number, bank in enumerate(state.banks, 1):
        reader.expect("bankOf", number, bank.name, bank.bic, bank.quota, given=(bank.address,))
    call = Call(state, ACCOUNT_REGISTRY, NOBODY, 0, NOBODY, [])
    for address in EVERYBODY:
        found = state.accounts.get(address)
        record = (0, 0, 0, 0, 0)
        if found is not None:
            record = (found.sponsor_id, found.tier, found.status, found.permissions, found.registered_at_s)
            assert is_suspended(call, address) == (found.status > 1)
        reader.expect("recordOf", *record, given=(address,))


class _Reader:
    """Views of one contract."""

    def __init__(self, doors: Doors, target: bytes) -> None:
        self._doors = doors
        self._target = target

    def expect(self, name: str, *expected: int | bytes | str, given: tuple[int | bytes, ...] = ()) -> None:
        _expect(f"{name}{given} of 0x{self._target.hex()}", self._doors.read(self._target, name, *given), expected)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{what}: ledger {found}, model {expected}")


def _mapping_slot(key: bytes, slot: int) -> int:
    """Return where Solidity keeps a mapping's value."""
    return int.from_bytes(keccak256(bytes(12) + Address(key) + slot.to_bytes(32, "big")), "big")
