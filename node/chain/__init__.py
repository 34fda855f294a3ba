"""Blocks: the speculative tree in memory, the final chain on disk, and the feed of what became final."""
