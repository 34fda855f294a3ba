"""OfflineLocks on the ledger: money locked for payments between two people who are both offline."""
