"""`sycee account`: everything the ledger has about an account, at one height."""

from collections.abc import Sequence

import click

from consensus.primitives.scalars import AmountMinor
from wallet_cli.account_facts import AccountFacts, ToldLimits, read_account_facts
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, amount_record, format_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.positions import Position, read_position
from wallet_cli.screens import balance_screen
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head


@wallet_command("account", needs=(Need.NETWORK,), examples=("sycee account", "sycee account bob --json"))
@click.argument("account", required=False, default="")
def account(session: Session, account: str) -> None:
    """Show what ACCOUNT has in every currency, its bank and status, its limits, and what it has open.

    Balances are proven. Bank, limits and how many holds and redemptions are open are one node's word at that height.
    """
    if account:
        name, address, _ = session.resolve(account)
    else:
        own = session.account()
        name, address = own.name, own.address
    head = provable_head(session)
    currencies = load_currencies(session, head)
    positions = []
    with session.output.progress("proving balances", len(currencies)) as advance:
        for currency in currencies:
            positions.append(read_position(session, head, address, currency))
            advance()
    facts = read_account_facts(session, head, address)
    shown = [entry for entry in positions if entry.total.units] or positions[:1]
    record = {
        "account": name,
        "address": checksum_address(address),
        "balances": [entry.record() for entry in shown],
        **_told_record(facts, currencies),
    }
    lines = [
        balance_screen(name, address, shown, head.proof),
        "",
        "  as one node says",
        *_told_lines(facts, currencies),
    ]
    lines += _hidden(facts, shown)
    session.output.result(record, "\n".join(lines), proof=head.proof)


def _told_lines(facts: AccountFacts, currencies: Sequence[Currency]) -> list[str]:
    bank = facts.bank or "none: no bank registered it"
    lines = [f"  {'bank':<17}{bank}"]
    if facts.tier is not None:
        may = ", ".join(facts.permissions) or "nothing"
        lines.append(f"  {'status':<17}{facts.status.replace('_', ' ')}, tier {facts.tier}, may {may}")
    for limits in facts.limits:
        lines += _limit_lines(limits, currencies)
    if facts.is_indexed:
        roles = [role for told in facts.holds for role in told.roles]
        counts = ", ".join(f"{roles.count(role)} as {role}" for role in ("payer", "payee", "notary") if role in roles)
        lines.append(f"  {'open holds':<17}{counts or 'none'}{'   sycee hold list' if counts else ''}")
        count = len(facts.redemptions)
        lines.append(f"  {'open redemptions':<17}{count or 'none'}{'   sycee redemption list' if count else ''}")
    else:
        lines.append(f"  {'holds':<17}unknown: the node keeps no index of addresses")
    return lines


def _limit_lines(limits: ToldLimits, currencies: Sequence[Currency]) -> list[str]:
    currency = next((entry for entry in currencies if entry.address == limits.currency), None)
    if currency is None or not limits.is_enabled:
        return []
    named = (
        ("a payment", limits.transfer_max),
        ("to pay today", limits.out_left),
        ("to get today", limits.in_left),
        ("balance at most", limits.balance_max),
    )
    return [f"  {name:<17}{_money(units, currency):>21}" for name, units in named if units is not None]


def _hidden(facts: AccountFacts, positions: Sequence[Position]) -> list[str]:
    """Return a warning if the proven amounts show holds or redemptions that the node does not name."""
    if not facts.is_indexed:
        return []
    own_holds = any("payer" in told.roles for told in facts.holds)
    hidden = [
        what
        for what, is_there, is_named in (
            ("holds", any(entry.held for entry in positions), own_holds),
            ("redemptions", any(entry.parked for entry in positions), bool(facts.redemptions)),
        )
        if is_there and not is_named
    ]
    return [f"  warning          money is set aside in {what} that this node does not name" for what in hidden]


def _told_record(facts: AccountFacts, currencies: Sequence[Currency]) -> dict[str, object]:
    by_address = {currency.address: currency for currency in currencies}
    known = [limits for limits in facts.limits if limits.currency in by_address]
    return {
        "bank": facts.bank or None,
        "tier": facts.tier,
        "status": facts.status or None,
        "permissions": list(facts.permissions),
        "limits": [_limits_record(limits, by_address[limits.currency]) for limits in known],
        "open_holds": len(facts.holds) if facts.is_indexed else None,
        "open_redemptions": len(facts.redemptions) if facts.is_indexed else None,
    }


def _limits_record(limits: ToldLimits, currency: Currency) -> dict[str, object]:
    named = {
        "transfer_max": limits.transfer_max,
        "balance_max": limits.balance_max,
        "out_max": limits.out_max,
        "out_left": limits.out_left,
        "in_max": limits.in_max,
        "in_left": limits.in_left,
    }
    amounts = {
        name: None if units is None else amount_record(Amount(AmountMinor(units), currency))
        for name, units in named.items()
    }
    return {"currency": currency.code, "enabled": limits.is_enabled, **amounts}


def _money(units: int, currency: Currency) -> str:
    return format_amount(Amount(AmountMinor(units), currency))
