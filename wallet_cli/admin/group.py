"""`sycee admin`: what issuers, banks and the governor do. Their keys live in this wallet, never on a node."""

from wallet_cli.cli import WalletGroup

admin = WalletGroup(
    "admin",
    table={
        "currency": ("wallet_cli.admin.currency:currency", "create currencies, set their rules"),
        "role": ("wallet_cli.admin.roles:role", "who may do what with a currency"),
        "mint": ("wallet_cli.admin.money:mint", "create money"),
        "burn": ("wallet_cli.admin.money:burn", "destroy money"),
        "minter": ("wallet_cli.admin.money:minter", "how much an issuer may mint"),
        "bank": ("wallet_cli.admin.banks:bank", "who is a bank"),
        "account": ("wallet_cli.admin.banks:account", "whom banks sponsor, and what they may do"),
        "policy": ("wallet_cli.admin.policies:policy", "lists of who may pay and be paid"),
        "tier": ("wallet_cli.admin.tiers:tier", "limits of accounts by tier"),
        "freeze": ("wallet_cli.admin.enforcement:freeze", "withhold an account's money"),
        "unfreeze": ("wallet_cli.admin.enforcement:unfreeze", "withhold nothing any more"),
        "force-transfer": ("wallet_cli.admin.enforcement:force_transfer", "move money without its owner"),
        "redemption": ("wallet_cli.admin.redemptions:redemption", "answer who asked to redeem"),
        "reserves": ("wallet_cli.admin.reserves:reserves", "what stands behind a currency"),
        "config": ("wallet_cli.admin.config:config", "protocol parameters, and who governs"),
        "validator": ("wallet_cli.admin.validators:validator", "decide who validates"),
        "batch": ("wallet_cli.admin.batch:batch", "several actions in one transaction"),
        "council": ("wallet_cli.admin.council:council", "decide together: sign offline, submit"),
    },
    help="Issue and govern: currencies, roles, banks, accounts, policies, limits, redemptions, reserves. The keys that"
    " govern live in this wallet's keystore, never on a node. Every command shows what will change from proven state,"
    " lets a node try it, asks, and returns when it is final; --dry-run stops after the trial.",
    no_args_is_help=True,
)
