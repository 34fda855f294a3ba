"""OfflineLocks in dictionaries: written from the design alone, nothing of the contract or its rules."""
