"""Bytes everybody treats alike: scalar types, hashes, RLP, signatures."""
