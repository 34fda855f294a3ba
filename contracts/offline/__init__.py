"""What offline money is made of: digests, storage words and guards. Pure; the ledger enforces what a payee checked."""
