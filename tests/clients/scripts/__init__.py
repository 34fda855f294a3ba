"""One script per foreign client; each runs unmodified against any Ethereum node and prints a transcript."""
