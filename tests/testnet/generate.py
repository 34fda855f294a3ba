"""Manifests drawn from a seed, over the product of topology, distance, load, joiners and faults."""

from tests.testnet.manifest import Kind
from tests.testnet.network import generator

SIZES = (4, 5, 7)
DELAYS_MS = ((0,), (0, 40), (0, 15, 90))
"""Distance of each region from the first; two regions are as far apart as the difference says, and 1 ms."""
GENTLE = (Kind.KILL, Kind.TERMINATE, Kind.PAUSE, Kind.DISCONNECT, Kind.ONE_WAY_CUT, Kind.HALF_OPEN, Kind.SLOW_LINK)
"""What a node must survive any number of times."""


def generate_manifest(seed: int) -> str:
    """Return the TOML text of the manifest of `seed`."""
    random = generator(seed, "manifest")
    validators = random.choice(SIZES)
    distances = random.choice(DELAYS_MS)
    duration_s = random.randrange(40, 121)
    matrix = [[abs(one - other) + (1 if one != other else 0) for other in distances] for one in distances]
    lines = [
        f'name = "generated-{seed}"',
        f"seed = {seed}",
        f"validators = {validators}",
        f"duration_s = {duration_s}",
        f"block_interval_ms = {random.choice((50, 100, 500))}",
        f"loss_percent = {random.choice((0, 0, 1, 5))}",
    ]
    names = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")[:validators]
    if random.randrange(3) == 0:
        lines += ["", "[start_height]", f"{names[-1]} = {random.randrange(20, 200)}"]
    lines += ["", "[regions]", f"delay_ms = {matrix}", f"jitter_ms = {random.choice((0, 5, 20))}", "[regions.of]"]
    lines += [f"{name} = {random.randrange(len(distances))}" for name in names]
    mode = random.choice(("open", "closed"))
    lines += ["", "[load]", f'mode = "{mode}"', f"clients = {random.randrange(1, 9)}"]
    lines += [f"rate_per_s = {random.randrange(5, 60)}", f"readers = {random.randrange(1, 4)}"]
    kinds = random.sample([kind.value for kind in GENTLE], random.randrange(2, len(GENTLE) + 1))
    lines += ["", "[random]", f"kinds = {kinds}".replace("'", '"'), f"interval_s = {random.randrange(5, 16)}"]
    lines += [f"for_s = {random.randrange(3, 11)}", "percent_max = 33", "", "[expect]", "recover_s = 40"]
    lines += ["finality_gap_s = 30"]
    return "\n".join(lines) + "\n"
