"""Admitted transactions that wait for a block, and the clients that wait for them."""
