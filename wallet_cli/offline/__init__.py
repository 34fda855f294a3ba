"""Paying without a network: messages, what a payee checks, what proves a double spend. No clock, file or socket."""
