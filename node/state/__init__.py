"""The world state: accounts and storage at one height, differences above it, tries and proofs over it."""
