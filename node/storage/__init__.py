"""Bytes on disk: the key-value store, the write-ahead log, the sign guard, files that must survive power loss."""
