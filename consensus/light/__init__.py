"""How anybody can tell what is final, from bytes alone and with a set of validators already trusted."""
