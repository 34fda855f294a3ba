"""The shell: everything impure. Storage, execution, peers, RPC, the process itself."""
