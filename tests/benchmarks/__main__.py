"""`python -m tests.benchmarks NAME [options]`: prints one JSON object and appends it to `results/`."""

import sys

from tests.benchmarks import dvp, evm, fairness, latency, money, offline, rpc_soak, stages, throughput

BENCHMARKS = {
    "dvp": dvp.main,
    "evm": evm.main,
    "fairness": fairness.main,
    "latency": latency.main,
    "money": money.main,
    "offline": offline.main,
    "rpc_soak": rpc_soak.main,
    "stages": stages.main,
    "throughput": throughput.main,
}


def main() -> int:
    """Run the named benchmark."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        sys.stderr.write(f"usage: python -m tests.benchmarks {'|'.join(BENCHMARKS)} [options]\n")
        return 2
    BENCHMARKS[sys.argv[1]](sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
