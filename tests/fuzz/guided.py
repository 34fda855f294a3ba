"""Coverage-guided inputs, where the optional package `atheris` is installed; no test needs it."""

import importlib
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from tests.fuzz.promise import Target, try_input

NOT_AVAILABLE = 2


def run_guided(target: Target, corpus: Sequence[bytes], *, seconds: int) -> int:
    """Feed what atheris makes to a target; a broken promise ends the process with atheris' own report."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        sys.stderr.write("atheris is not installed: leave out --engine\n")
        return NOT_AVAILABLE

    def try_one(data: bytes) -> None:
        finding = try_input(target, data, is_measured=False)
        if finding is not None:
            raise AssertionError(str(finding))

    with TemporaryDirectory(prefix="sycee-fuzz-") as folder:
        for number, data in enumerate((*target.seeds(), *corpus)):
            with open(f"{folder}/{number}", "wb") as stream:
                stream.write(data)
        atheris.instrument_all()
        atheris.Setup(["tests.fuzz", folder, f"-max_total_time={seconds}"], try_one)
        atheris.Fuzz()
    return 0
