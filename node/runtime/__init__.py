"""The driver around the consensus machine, and the asyncio shell around the driver."""
