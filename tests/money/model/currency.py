"""Payments, issuing, freezing, orders that others submit. Source: ledger.md §4, ERC-20, -2612, -3009, -7943."""

from copy import deepcopy

from tests.money.model.roles import need
from tests.money.model.rules import (
    MINT_RECIPIENT,
    RECIPIENT,
    admits,
    count_in,
    count_out,
    keep_use,
    need_admitted,
    need_ends,
    need_receiver,
    need_running,
)
from tests.money.model.state import NOBODY, SUPPLY_HIGHEST, WITHOUT_END, Call, Refused, is_system

ROWS_HIGHEST = 500


def need_spendable(call: Call, account: bytes, amount: int) -> None:
    """Refuse to let more leave a balance than is there and not frozen."""
    balance = call.money.balances.get(account, 0)
    if amount > balance:
        raise Refused("ERC20InsufficientBalance", account, balance, amount)
    free = max(balance - call.money.frozen.get(account, 0), 0)
    if amount > free:
        raise Refused("ERC7943InsufficientUnfrozenBalance", account, amount, free)


def need_allowance(call: Call, owner: bytes, amount: int) -> None:
    allowed = call.money.allowances.get((owner, call.caller), 0)
    if amount > allowed:
        raise Refused("ERC20InsufficientAllowance", call.caller, allowed, amount)


def use_allowance(call: Call, owner: bytes, amount: int) -> None:
    allowed = call.money.allowances.get((owner, call.caller), 0)
    if allowed != WITHOUT_END:
        call.money.allowances[owner, call.caller] = allowed - amount


def pay(call: Call, sender: bytes, to: bytes, amount: int, *, by_spender: bool = False) -> None:
    """Move money, in the fixed order of checks."""
    need_ends(call, sender, to)
    out = count_out(call, sender, amount, moves=sender != to)
    into = None if sender == to else count_in(call, to, amount)
    if by_spender:
        need_allowance(call, sender, amount)
    need_spendable(call, sender, amount)
    if by_spender:
        use_allowance(call, sender, amount)
    call.money.add(sender, -amount)
    call.money.add(to, amount)
    keep_use(call, sender, out)
    keep_use(call, to, into)
    call.log("Transfer", sender, to, amount)


def transfer(call: Call, to: bytes, amount: int) -> int:
    pay(call, call.caller, to, amount)
    return 1


def transfer_from(call: Call, sender: bytes, to: bytes, amount: int) -> int:
    pay(call, sender, to, amount, by_spender=True)
    return 1


def transfer_with_memo(call: Call, to: bytes, amount: int, memo: bytes) -> int:
    pay(call, call.caller, to, amount)
    call.log("Memo", call.caller, to, memo)
    return 1


def transfer_from_with_memo(call: Call, sender: bytes, to: bytes, amount: int, memo: bytes) -> int:
    pay(call, sender, to, amount, by_spender=True)
    call.log("Memo", sender, to, memo)
    return 1


def transfer_batch(
    call: Call, recipients: tuple[bytes, ...], amounts: tuple[int, ...], memos: tuple[bytes, ...]
) -> int:
    if len(recipients) > ROWS_HIGHEST:
        raise Refused("TooManyRows", len(recipients), ROWS_HIGHEST)
    if not len(recipients) == len(amounts) == len(memos):
        raise Refused("RowCountsDiffer", len(recipients), len(amounts), len(memos))
    before = deepcopy(call.money)
    for index, (to, amount, memo) in enumerate(zip(recipients, amounts, memos)):
        try:
            transfer_with_memo(call, to, amount, memo)
        except Refused as refusal:
            call.state.moneys[call.target] = before
            raise Refused("TransferRowFailed", index, (refusal.name, refusal.values)) from refusal
    return 1


def approve(call: Call, spender: bytes, amount: int) -> int:
    _allow(call, call.caller, spender, amount)
    return 1


def _allow(call: Call, owner: bytes, spender: bytes, amount: int) -> None:
    if owner == NOBODY:
        raise Refused("ERC20InvalidApprover", owner)
    if spender == NOBODY:
        raise Refused("ERC20InvalidSpender", spender)
    call.money.allowances[owner, spender] = amount
    call.log("Approval", owner, spender, amount)


# Issuing.


def mint(call: Call, to: bytes, amount: int, memo: bytes) -> None:
    money = call.money
    need_running(call)
    need(call, "ISSUER_ROLE")
    need_receiver(to)
    need_admitted(call, to, MINT_RECIPIENT)
    into = count_in(call, to, amount)
    allowed = money.minters.get(call.caller, 0)
    if amount > allowed:
        raise Refused("MinterAllowanceExceeded", call.caller, allowed, amount)
    attested, as_of_s, _ = money.reserves
    if money.reserve_age_max_s:
        if call.now_s - as_of_s > money.reserve_age_max_s:
            raise Refused("AttestationAgedOut", as_of_s, money.reserve_age_max_s, call.now_s)
        if money.supply + amount > attested:
            raise Refused("ReservesExceeded", attested, money.supply, amount)
    if money.supply + amount > money.cap:
        raise Refused("SupplyCapExceeded", money.cap, money.supply, amount)
    money.supply += amount
    money.add(to, amount)
    money.minters[call.caller] = allowed - amount
    keep_use(call, to, into)
    call.log("Transfer", NOBODY, to, amount)
    call.log("Memo", NOBODY, to, memo)


def burn(call: Call, amount: int, memo: bytes) -> None:
    need_running(call)
    need(call, "ISSUER_ROLE")
    need_spendable(call, call.caller, amount)
    call.money.add(call.caller, -amount)
    call.money.supply -= amount
    call.log("Transfer", call.caller, NOBODY, amount)
    call.log("Memo", call.caller, NOBODY, memo)


def set_minter_allowance(call: Call, minter: bytes, amount: int) -> None:
    need(call, "MINT_CONTROLLER_ROLE")
    call.money.minters[minter] = amount
    call.log("MinterAllowanceSet", minter, amount)


def set_supply_cap(call: Call, cap: int) -> None:
    need(call, "DEFAULT_ADMIN_ROLE")
    if cap < call.money.supply or cap > SUPPLY_HIGHEST:
        raise Refused("SupplyCapOutOfRange", cap, call.money.supply, SUPPLY_HIGHEST)
    call.money.cap = cap
    call.log("SupplyCapSet", cap)


def pause(call: Call) -> None:
    need_running(call)
    need(call, "PAUSER_ROLE")
    call.money.is_paused = True
    call.log("Paused", call.caller)


def unpause(call: Call) -> None:
    if not call.money.is_paused:
        raise Refused("ExpectedPause")
    need(call, "UNPAUSER_ROLE")
    call.money.is_paused = False
    call.log("Unpaused", call.caller)


# What the law may ask.


def set_frozen_tokens(call: Call, account: bytes, amount: int) -> int:
    need(call, "FREEZER_ROLE")
    _need_no_system(account)
    call.money.frozen[account] = amount
    call.log("Frozen", account, amount)
    return 1


def _need_no_system(account: bytes) -> None:
    """What system contracts have is promised to others (offline.md §6)."""
    if is_system(account):
        raise Refused("ERC20InvalidSender", account)


def forced_transfer(call: Call, sender: bytes, to: bytes, amount: int) -> int:
    need_running(call)
    need(call, "ENFORCER_ROLE")
    _need_no_system(sender)
    need_receiver(to)
    if sender == to:
        raise Refused("ERC20InvalidReceiver", to)
    if not admits(call, call.money.policy_id, to, RECIPIENT):
        raise Refused("ERC7943CannotReceive", to)
    balance = call.money.balances.get(sender, 0)
    if amount > balance:
        raise Refused("ERC20InsufficientBalance", sender, balance, amount)
    left = balance - amount
    if amount and call.money.frozen.get(sender, 0) > left:
        call.money.frozen[sender] = left
        call.log("Frozen", sender, left)
    call.money.add(sender, -amount)
    call.money.add(to, amount)
    call.log("Transfer", sender, to, amount)
    call.log("ForcedTransfer", sender, to, amount)
    return 1


# Orders signed by their owner.


def permit(call: Call, owner: bytes, spender: bytes, value: int, deadline_s: int, v: int, r: bytes, s: bytes) -> None:
    if call.now_s > deadline_s:
        raise Refused("ERC2612ExpiredSignature", deadline_s)
    if call.signer == NOBODY or call.signer != owner:
        raise Refused("ERC2612InvalidSigner", call.signer, owner)
    _allow(call, owner, spender, value)
    call.money.permits_used[owner] = call.money.permits_used.get(owner, 0) + 1


def transfer_with_authorization(
    call: Call, sender: bytes, to: bytes, value: int, after_s: int, before_s: int, nonce: bytes, *signature: object
) -> None:
    need_running(call)
    if call.now_s <= after_s:
        raise Refused("AuthorizationNotYetValid", after_s, call.now_s)
    if call.now_s >= before_s:
        raise Refused("AuthorizationExpired", before_s, call.now_s)
    _need_fresh_order(call, sender, nonce)
    pay(call, sender, to, value)
    _use_order(call, "AuthorizationUsed", sender, nonce)


def receive_with_authorization(
    call: Call, sender: bytes, to: bytes, value: int, after_s: int, before_s: int, nonce: bytes, *signature: object
) -> None:
    if call.caller != to:
        raise Refused("CallerIsNotPayee", call.caller, to)
    transfer_with_authorization(call, sender, to, value, after_s, before_s, nonce, *signature)


def cancel_authorization(call: Call, authorizer: bytes, nonce: bytes, *signature: object) -> None:
    _need_fresh_order(call, authorizer, nonce)
    _use_order(call, "AuthorizationCanceled", authorizer, nonce)


def _need_fresh_order(call: Call, authorizer: bytes, nonce: bytes) -> None:
    if (authorizer, nonce) in call.money.orders_used:
        raise Refused("AuthorizationAlreadyUsed", authorizer, nonce)
    if call.signer == NOBODY or call.signer != authorizer:
        raise Refused("InvalidAuthorizationSigner", call.signer, authorizer)


def _use_order(call: Call, event: str, authorizer: bytes, nonce: bytes) -> None:
    call.money.orders_used[authorizer, nonce] = True
    call.log(event, authorizer, nonce)
