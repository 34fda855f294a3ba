"""What a block is: transactions, headers, bodies, receipts, Merkle roots, the genesis document."""
