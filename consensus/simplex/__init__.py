"""How a block is agreed. A block is an opaque 32-byte digest here; SPEC.md states every rule under the label cited."""
