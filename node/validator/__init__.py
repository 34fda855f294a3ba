"""A validator's keys, and the only place where they sign."""
