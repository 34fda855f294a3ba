"""What a command says when it cannot do what was asked.

CommandError
├── UsageError          exit 2: the command line cannot be meant
├── RefusedForSafety    exit 3: doing it could harm money or keys
└── everything else     exit 1
"""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3


class CommandError(Exception):
    """A command failed for a reason a person can understand; the message says what to do."""

    exit_code = EXIT_FAILED


class UsageError(CommandError):
    """The options contradict each other or what is on disk."""

    exit_code = EXIT_USAGE


class RefusedForSafety(CommandError):
    """The command was understood and is not done."""

    exit_code = EXIT_REFUSED
