"""Golden bytes of state records."""
