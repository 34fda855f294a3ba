"""The tables of offline money. A migration is appended, never changed, and never rewrites an intent (R10).

Amounts are 12 bytes big-endian, so that they compare as numbers; times are seconds. Source: offline.md §12.
"""

from typing import Final

_FIRST: Final = """
CREATE TABLE meta (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    instance BLOB NOT NULL, counter INTEGER NOT NULL, certified_s INTEGER NOT NULL, anchor_s INTEGER NOT NULL
) STRICT;
CREATE TABLE locks (
    id BLOB PRIMARY KEY, record BLOB NOT NULL,
    signed_last BLOB NOT NULL, signed_max BLOB NOT NULL, acked BLOB NOT NULL
) STRICT;
CREATE TABLE purses (
    id BLOB PRIMARY KEY, record BLOB NOT NULL, members BLOB NOT NULL, next_lo BLOB NOT NULL,
    is_frozen INTEGER NOT NULL CHECK (is_frozen IN (0, 1))
) STRICT;
CREATE TABLE intents (
    payee BLOB NOT NULL, invoice BLOB NOT NULL, attempt INTEGER NOT NULL,
    request BLOB NOT NULL,
    lock_id BLOB REFERENCES locks (id), purse_id BLOB REFERENCES purses (id),
    lo BLOB NOT NULL, hi BLOB NOT NULL,
    heal BLOB, signature BLOB, receipt BLOB,
    PRIMARY KEY (payee, invoice, attempt),
    CHECK ((lock_id IS NULL) != (purse_id IS NULL)),
    CHECK ((attempt = 0) = (heal IS NULL)),
    CHECK (attempt = 0 OR purse_id IS NULL)
) STRICT;
CREATE UNIQUE INDEX intents_units ON intents (purse_id, lo) WHERE purse_id IS NOT NULL;
CREATE TABLE invoices (
    invoice BLOB PRIMARY KEY, message BLOB NOT NULL, until_s INTEGER NOT NULL, paid_by BLOB, receipt BLOB
) STRICT;
CREATE TABLE till_locks (
    id BLOB PRIMARY KEY, record BLOB NOT NULL, best BLOB NOT NULL,
    best_invoice BLOB, best_signature BLOB,
    is_redeem_only INTEGER NOT NULL CHECK (is_redeem_only IN (0, 1))
) STRICT;
CREATE TABLE till_purses (id BLOB PRIMARY KEY, record BLOB NOT NULL, total BLOB NOT NULL) STRICT;
CREATE TABLE classes (id BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT;
CREATE TABLE accepted (
    digest BLOB PRIMARY KEY, invoice BLOB NOT NULL UNIQUE,
    lock_id BLOB REFERENCES till_locks (id), purse_id BLOB REFERENCES till_purses (id),
    lo BLOB NOT NULL, hi BLOB NOT NULL, payee BLOB NOT NULL, signature BLOB NOT NULL,
    CHECK ((lock_id IS NULL) != (purse_id IS NULL))
) STRICT;
CREATE TABLE jobs (
    digest BLOB PRIMARY KEY REFERENCES accepted (digest),
    state TEXT NOT NULL CHECK (state IN ('held', 'submitted', 'final')), tx_hash BLOB,
    CHECK ((state = 'held') = (tx_hash IS NULL))
) STRICT;
CREATE TABLE committees (
    number INTEGER PRIMARY KEY, first_epoch INTEGER NOT NULL, start_s INTEGER NOT NULL, keys BLOB NOT NULL
) STRICT;
CREATE TABLE revocations (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1), prefixes BLOB NOT NULL, time_s INTEGER NOT NULL
) STRICT;
CREATE TABLE evidence (purse_id BLOB NOT NULL, message BLOB PRIMARY KEY) STRICT;
"""

_CLOSED: Final = """
ALTER TABLE locks ADD COLUMN is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1));
ALTER TABLE purses ADD COLUMN is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1));
"""

MIGRATIONS: Final = (_FIRST, _CLOSED)
"""Scripts in their order; the file says how many it has seen."""
