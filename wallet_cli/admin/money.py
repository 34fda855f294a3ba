"""`sycee admin mint`, `burn`, `minter`: money in and out of existence, and who may make how much."""

from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import SIGNER, Change, given, minus, plus

_MEMO = Argument("memo", kinds.MEMO, "Reference of at most 32 bytes, public on the ledger.", default="")

mint = action_command(
    Action(
        command="mint",
        title="Mint money",
        help="Create money in an account. An issuer's right, within its minter allowance, the supply cap and, if the"
        " reserve rule is on, the attested reserves.",
        function="mint",
        arguments=(
            Argument("to", kinds.ACCOUNT, "whose balance grows"),
            Argument("amount", kinds.MONEY, "how much"),
            _MEMO,
        ),
        changes=(
            Change("supply", "totalSupply", (), kinds.MONEY, plus("amount")),
            Change("balance", "balanceOf", ("to",), kinds.MONEY, plus("amount")),
            Change("left to mint", "minterAllowance", (SIGNER,), kinds.MONEY, minus("amount")),
        ),
        examples=(
            "sycee admin mint EUR bob '100.00 EUR' --memo DEPOSIT-1 --yes",
            "sycee admin mint EUR alice '0.01 EUR' --dry-run",
        ),
    )
)
burn = action_command(
    Action(
        command="burn",
        title="Burn money",
        help="Destroy money of the account that signs. An issuer's right.",
        function="burn",
        arguments=(Argument("amount", kinds.MONEY, "how much"), _MEMO),
        changes=(
            Change("supply", "totalSupply", (), kinds.MONEY, minus("amount")),
            Change("balance", "balanceOf", (SIGNER,), kinds.MONEY, minus("amount")),
        ),
        examples=(
            "sycee admin burn EUR '10.00 EUR' --memo WITHDRAWAL-1 --yes",
            "sycee admin burn EUR '10.00 EUR' --dry-run",
        ),
    )
)
minter = action_command(
    Action(
        command="minter",
        title="Set a minter allowance",
        help="Set how much an issuer may still mint, in place of what was left. A mint controller's right.",
        function="setMinterAllowance",
        arguments=(
            Argument("minter", kinds.ACCOUNT, "the issuer"),
            Argument("amount", kinds.MONEY, "what it may mint from now on"),
        ),
        changes=(Change("left to mint", "minterAllowance", ("minter",), kinds.MONEY, given("amount")),),
        examples=(
            "sycee admin minter EUR bob '5000 EUR' --yes",
            "sycee admin minter EUR bob '0 EUR' --dry-run",
        ),
    )
)
