"""Facts of a healthy validator, to be changed one thing at a time."""

from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, ValidatorIndex, View
from node.observe.facts import BuildFacts, LinkFacts, NodeFacts, SupplyFacts, ValidatorFacts


def validator(index: int, name: str) -> ValidatorFacts:
    return ValidatorFacts(
        index=ValidatorIndex(index),
        name=name,
        operator=Address(bytes((index,)) * 20),
        consensus_key=bytes((index,)) * 32,
        endpoints=(f"127.0.0.1:{25545 + index}",),
        nullified_views=index,
        led_views=7,
        signed_blocks=50,
    )


def link(peer: str, *, rtt_ms: int | None = 5, offset_ms: int | None = 3, is_up: bool = True) -> LinkFacts:
    return LinkFacts(peer=peer, is_up=is_up, rtt_ms=rtt_ms, clock_offset_ms=offset_ms)


HEALTHY = NodeFacts(
    build=BuildFacts(version="0.1.0", commit="3f9a2c1"),
    role="validator",
    name="bank-a-1",
    chain_id=23790,
    network_name="devnet",
    genesis_hash=Hash32(b"\x8a" * 32),
    validator_index=ValidatorIndex(0),
    validators=tuple(validator(index, name) for index, name in enumerate(("alpha", "beta", "gamma", "delta"))),
    quorum=3,
    epoch=Epoch(3),
    epoch_height_first=Height(1001),
    epoch_blocks_max=3600,
    view=View(1292),
    view_final=View(1291),
    height_final=Height(1204),
    hash_final=Hash32(b"\x12" * 32),
    state_root=b"\x13" * 32,
    timestamp_final_ms=TimestampMs(1_700_000_000_123),
    final_age_ms=300,
    empty_block_interval_ms=10_000,
    height_best=Height(1204),
    is_syncing=False,
    links=(link("beta"), link("gamma", rtt_ms=41, offset_ms=-2), link("delta", offset_ms=4)),
    recent_window_blocks=50,
    pending_count=12,
    pending_max=50_000,
    pending_oldest_age_ms=100,
    loop_idle_ms=1,
    is_wal_writable=True,
    wal_fsync_p99_us=2_100,
    disk_free_thousandths=714,
    resident_bytes=412 * 1024 * 1024,
    evidence_count=0,
    uptime_ms=60_000,
    supplies=(SupplyFacts("EUR", 2, 123_456), SupplyFacts("JPY", 0, 5_000)),
)
