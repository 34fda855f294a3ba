"""System contracts in Python.

Deterministic: no clock, no randomness, no environment, no floats, no iteration over sets.
"""
