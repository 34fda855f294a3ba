"""From transactions to a new state: deterministic, silent, and equal on every node."""
