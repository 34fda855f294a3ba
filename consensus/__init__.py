"""What correct parties must agree on bit for bit, without state.

Pure: no asyncio, sockets, files, clock, randomness, environment, or state.
"""
