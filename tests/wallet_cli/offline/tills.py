"""A till and a payer who know each other's lock and purse, for tests of what they decide."""

from dataclasses import replace

from consensus.primitives.scalars import Address
from tests.wallet_cli.offline.builders import (
    BOB_ADDRESS,
    CHAIN_ID,
    CLASS,
    EUR,
    LOCK_ID,
    LOCK_TERMS,
    LOCK_WORD,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    TILL_ADDRESS,
    certify_lock,
    certify_purse,
    make_invoice,
    trust,
)
from wallet_cli.offline.acceptance import CurrencyLimits, OpenInvoice, Till
from wallet_cli.offline.messages import Invoice, Mode
from wallet_cli.offline.payer import Payer, PayerLock, PayerPurse
from wallet_cli.offline.verdicts import LockKnown, PurseKnown

LIMITS = CurrencyLimits(
    stale_first_contact_lock_max=200_00, stale_first_contact_purse_max=50_00, purse_exposure_max=200_00
)
INVOICE = make_invoice(modes=Mode.PAIRED | Mode.PURSE)
LOCK_KNOWN = LockKnown(LOCK_TERMS, LOCK_WORD, certify_lock().certificate)
PURSE_KNOWN = PurseKnown(PURSE_TERMS, PURSE_WORD, certify_purse().certificate)


def open_invoices(*invoices: Invoice) -> dict[bytes, OpenInvoice]:
    return {invoice.invoice: OpenInvoice(invoice) for invoice in invoices}


def make_till(**changes: object) -> Till:
    """Return a till that was online a day ago and has one open invoice."""
    till = Till(
        payee=BOB_ADDRESS,
        till=TILL_ADDRESS,
        trust=trust(),
        limits={EUR: LIMITS},
        invoices=open_invoices(INVOICE),
        classes={PURSE_TERMS.accept_class: len(CLASS)},
    )
    return replace(till, **changes)  # type: ignore[arg-type]  # fields by name


def knowing_lock(**changes: object) -> dict[bytes, LockKnown]:
    return {LOCK_ID[:16]: replace(LOCK_KNOWN, **changes)}  # type: ignore[arg-type]  # fields by name


def knowing_purse(**changes: object) -> dict[bytes, PurseKnown]:
    return {PURSE_ID[:16]: replace(PURSE_KNOWN, **changes)}  # type: ignore[arg-type]  # fields by name


def make_payer(**changes: object) -> Payer:
    payer = Payer(
        chain_id=CHAIN_ID,
        separator=SEPARATOR,
        currencies=(EUR,),
        locks=(PayerLock(LOCK_TERMS, LOCK_WORD),),
        purses=(PayerPurse(PURSE_TERMS, tuple(Address(member) for member in CLASS), next_lo=0),),
    )
    return replace(payer, **changes)  # type: ignore[arg-type]  # fields by name
