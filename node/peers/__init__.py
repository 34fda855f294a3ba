"""What nodes say to each other besides votes: transactions, bodies, catching up, status."""
