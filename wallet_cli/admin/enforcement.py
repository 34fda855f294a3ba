"""`sycee admin freeze`, `unfreeze`, `force-transfer`: what the law may ask of an issuer."""

from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, always, given, minus, plus

_FROZEN = "getFrozenTokens"

freeze = action_command(
    Action(
        command="freeze",
        title="Freeze money",
        help="Set how much of an account is frozen in a currency, in place of what was; more than it has withholds what"
        " will come. A freezer's right. Held and parked money is promised already and not reached.",
        function="setFrozenTokens",
        arguments=(
            Argument("account", kinds.ACCOUNT, "whose money"),
            Argument("amount", kinds.MONEY, "how much is frozen from now on"),
        ),
        changes=(Change("frozen", _FROZEN, ("account",), kinds.MONEY, given("amount")),),
        examples=(
            "sycee admin freeze EUR bob '50 EUR' --yes",
            "sycee admin freeze EUR bob '1000000 EUR' --dry-run",
        ),
    )
)
unfreeze = action_command(
    Action(
        command="unfreeze",
        title="Unfreeze money",
        help="Freeze nothing of an account in a currency any more. A freezer's right. To keep some of it frozen, use"
        " freeze with the rest.",
        function="setFrozenTokens",
        arguments=(Argument("account", kinds.ACCOUNT, "whose money"),),
        fixed={"amount": 0},
        changes=(Change("frozen", _FROZEN, ("account",), kinds.MONEY, always(0)),),
        examples=("sycee admin unfreeze EUR bob --yes", "sycee admin unfreeze EUR bob --dry-run"),
    )
)
force_transfer = action_command(
    Action(
        command="force-transfer",
        title="Move money without its owner",
        help="Move money of an account without its consent, frozen money last. An enforcer's right. The recipient's"
        " policy holds, the payer's and all limits do not.",
        function="forcedTransfer",
        arguments=(
            Argument("from", kinds.ACCOUNT, "whose money"),
            Argument("to", kinds.ACCOUNT, "who gets it"),
            Argument("amount", kinds.MONEY, "how much"),
        ),
        changes=(
            Change("balance of from", "balanceOf", ("from",), kinds.MONEY, minus("amount")),
            Change("balance of to", "balanceOf", ("to",), kinds.MONEY, plus("amount")),
        ),
        examples=(
            "sycee admin force-transfer EUR bob alice '20 EUR' --yes",
            "sycee admin force-transfer EUR bob alice '20 EUR' --dry-run",
        ),
    )
)
