"""OfflineLocks: every function and its refusals, over a ledger in a dictionary."""
