"""The EVM: py-evm's rules of the Prague fork over this node's own state, made fast. Only this folder imports `eth`.

Calls, creations, copies, block facts and most precompiles are py-evm's; the loop, stack, memory, gas, storage and logs
are here. Nothing of py-evm's database, trie, transactions or blocks is used. Source: Yellow Paper, EIPs up to Prague,
EIP-7951.
"""

import os

# Before `eth` is imported: with both libraries present it would choose the slower one, six times as slow.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
