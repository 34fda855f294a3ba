"""From the genesis document to block 0: parameters with defaults and bounds, the state, the header."""
