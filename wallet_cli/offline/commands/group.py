"""The `sycee offline` group: which commands there are and where they live."""

from wallet_cli.cli import WalletGroup

offline = WalletGroup(
    "offline",
    table={
        "card": ("wallet_cli.offline.commands.opening:card", "show this till's card"),
        "lock": ("wallet_cli.offline.commands.opening:lock", "lock money for one payee"),
        "topup": ("wallet_cli.offline.commands.opening:topup", "put more into a lock"),
        "extend": ("wallet_cli.offline.commands.opening:extend", "make a lock last longer"),
        "invoice": ("wallet_cli.offline.commands.receiving:invoice", "ask for money"),
        "pay": ("wallet_cli.offline.commands.paying:pay", "pay an invoice"),
        "receive": ("wallet_cli.offline.commands.receiving:receive", "check a payment and keep it"),
        "answer": ("wallet_cli.offline.commands.paying:answer", "take the payee's answer"),
        "list": ("wallet_cli.offline.commands.listing:list_", "locks, payments, receipts"),
        "resume": ("wallet_cli.offline.commands.listing:resume", "show an unfinished payment again"),
        "export": ("wallet_cli.offline.commands.listing:export", "hand a signed payment out again"),
        "import": ("wallet_cli.offline.commands.listing:import_", "learn what somebody passes on"),
        "redeem": ("wallet_cli.offline.commands.settling:redeem", "have the ledger pay what was accepted"),
        "release": ("wallet_cli.offline.commands.opening:release", "give the rest of a lock back early"),
        "refund": ("wallet_cli.offline.commands.opening:refund", "take the rest of a lock back"),
        "sync": ("wallet_cli.offline.commands.settling:sync", "catch up after being offline"),
        "purse": ("wallet_cli.offline.commands.purses:purse", "money for any payee of a group"),
        "class": ("wallet_cli.offline.commands.purses:class_", "groups of payees"),
        "fraud": ("wallet_cli.offline.commands.fraud:fraud", "proofs of double spends"),
        "policy": ("wallet_cli.offline.commands.limits:policy", "limits"),
    },
    help="Payments while neither side has a network, redeemed later exactly once.",
)
