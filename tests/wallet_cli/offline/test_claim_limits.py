"""What was accepted must be redeemed in time: the earliest limit counts, and only of what is not redeemed."""

from pathlib import Path

import pytest

from consensus.primitives.scalars import Hash32
from tests.wallet_cli.offline.builders import CLAIM_UNTIL_S, EUR, NOW_S, invoice_number
from tests.wallet_cli.offline.desks import make_alice, make_bob
from tests.wallet_cli.offline.test_power_loss import CARD
from wallet_cli.offline import till_tables
from wallet_cli.offline.claim_limits import earliest_claim_limit_s
from wallet_cli.offline.messages import Mode, Receipt
from wallet_cli.offline.payer_desk import pay_invoice
from wallet_cli.offline.till_desk import make_invoice, receive_payment


@pytest.mark.parametrize("mode", [Mode.PAIRED, Mode.PURSE])
def test_limit_is_that_of_what_is_not_redeemed(tmp_path: Path, mode: Mode) -> None:
    is_purse = mode is Mode.PURSE
    alice, bob = make_alice(tmp_path / "alice", has_lock=not is_purse, has_purse=is_purse), make_bob(tmp_path / "bob")
    with bob.at_desk() as till, alice.at_desk() as desk:
        assert earliest_claim_limit_s(till.database) is None
        invoice = make_invoice(
            till,
            currency=EUR,
            amount_minor=5_00,
            number=invoice_number(1),
            until_s=NOW_S + 600,
            modes=mode,
            card=CARD,
        )
        shown = pay_invoice(desk, invoice, now_s=NOW_S)
        assert isinstance(shown, bytes)
        assert isinstance(receive_payment(till, shown, device_s=NOW_S), Receipt)
        assert earliest_claim_limit_s(till.database) == CLAIM_UNTIL_S
        (job,) = till_tables.load_jobs(till.database)
        till_tables.mark_final(till.database, job.digest, Hash32(bytes(32)))
        assert earliest_claim_limit_s(till.database) is None
