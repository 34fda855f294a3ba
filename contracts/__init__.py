"""What lives on the ledger: addresses, ABIs, storage layouts, native contracts.

Knows no block, no peer, and no file but its own data.
"""
