"""Until when accepted payments must be redeemed: after that the payer has the money back."""

from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.offline.message_decoder import decode_lock_record, decode_purse_record


def earliest_claim_limit_s(database: OfflineDatabase) -> int | None:
    """Return the first second at which an accepted payment is lost, None if all are redeemed. Raises: DeviceFailed."""
    query = (
        "SELECT DISTINCT t.record FROM jobs j JOIN accepted a ON a.digest = j.digest "
        "JOIN {table} t ON t.id = a.{column} WHERE j.state != 'final'"
    )
    locks = database.read(query.format(table="till_locks", column="lock_id"), (), (bytes,))
    purses = database.read(query.format(table="till_purses", column="purse_id"), (), (bytes,))
    limits = [decode_lock_record(row[0])[1].word.claim_until_s for row in locks]
    limits += [decode_purse_record(row[0])[1].word.claim_until_s for row in purses]
    return min(limits, default=None)
