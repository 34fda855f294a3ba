"""Whole nodes in one process from a seed: production code, with only wires, disks, clocks and threads replaced."""
