"""The `sycee` command: which commands there are and where they live."""

from wallet_cli.cli import WalletGroup, global_options

COMMANDS = {
    "init": ("wallet_cli.commands.init:init", "set up a network and its trust root"),
    "keys": ("wallet_cli.commands.keys:keys", "make, import and list keys"),
    "contacts": ("wallet_cli.commands.contacts:contacts", "names of others"),
    "balance": ("wallet_cli.commands.balance:balance", "what an account has, proven"),
    "account": ("wallet_cli.commands.account:account", "what an account has, may and has open"),
    "history": ("wallet_cli.commands.history:history", "what moved an account's money; as CSV, JSON or camt.053, too"),
    "send": ("wallet_cli.commands.send:send", "pay, and return when the payment is final and proven"),
    "open": ("wallet_cli.commands.open:open_thing", "do what a link, a signed file or a picture of one asks for"),
    "request": ("wallet_cli.commands.request:request", "ask for money: a link and a QR code"),
    "watch": ("wallet_cli.commands.watch:watch", "a line for every payment that comes in, proven"),
    "address": ("wallet_cli.commands.request:address", "the address of the account in use"),
    "hold": ("wallet_cli.commands.hold:hold", "set money aside now, pay it or give it back later"),
    "batch": ("wallet_cli.commands.batch:batch", "pay everybody in a file, each once"),
    "redemption": ("wallet_cli.commands.redemption:redemption", "have money paid out by its issuer"),
    "settle": ("wallet_cli.deals.settle:settle", "deliver and pay together, or not at all"),
    "escrow": ("wallet_cli.deals.escrow:escrow", "set money aside for a payee, by milestones"),
    "fx": ("wallet_cli.deals.fx:fx", "exchange currencies at a price a bank has signed"),
    "swap": ("wallet_cli.deals.swap:swap", "exchange across ledgers, by a secret"),
    "mandate": ("wallet_cli.deals.mandate:mandate", "let somebody collect, within caps"),
    "offline": ("wallet_cli.offline.commands.group:offline", "pay and be paid while neither side has a network"),
    "charge": ("wallet_cli.offline.commands.receiving:charge", "be paid offline: invoice, payment, receipt in one go"),
    "contract": ("wallet_cli.commands.contract:contract", "deploy, call and read contracts"),
    "admin": ("wallet_cli.admin.group:admin", "issue and govern: currencies, roles, banks, accounts, policies"),
    "tx": (
        "wallet_cli.commands.tx:tx",
        "payments made; or in steps: build, sign, simulate, submit",
    ),
    "sign": ("wallet_cli.commands.sign:sign", "sign a text or a document"),
    "verify": ("wallet_cli.commands.sign:verify", "check who signed"),
    "prove": ("wallet_cli.commands.prove:prove", "evidence as files, checked without a network"),
    "net": ("wallet_cli.commands.net:net", "networks and endpoints"),
    "trust": ("wallet_cli.commands.trust:trust", "what this wallet believes, and why"),
    "backup": ("wallet_cli.commands.backup:backup", "everything in one sealed file, and back"),
    "doctor": ("wallet_cli.commands.doctor:doctor", "is this wallet sound, and what to do where it is not"),
    "config": ("wallet_cli.commands.config:config", "preferences, and where they come from"),
    "describe": ("wallet_cli.commands.describe:describe", "every command as one JSON document"),
    "completions": ("wallet_cli.commands.describe:completions", "complete commands in a shell"),
    "version": ("wallet_cli.commands.version:version", "print the version"),
}
"""Name -> where it is, and one line about it."""

ALIASES = {"uri": "open", "lock": "offline lock", "pay": "offline pay", "redeem": "offline redeem"}
"""Everyday name -> the command it is another name of."""

cli = WalletGroup(
    "sycee",
    table=COMMANDS,
    aliases=ALIASES,
    params=global_options(is_hidden=False),
    help="A wallet that believes no node: every figure is shown with its proof.",
    no_args_is_help=True,
)


def main() -> None:
    """Run the command line."""
    cli.main()


if __name__ == "__main__":
    main()
