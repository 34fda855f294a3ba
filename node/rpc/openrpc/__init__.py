"""What this node's JSON-RPC looks like, as an OpenRPC document made from the method table."""
