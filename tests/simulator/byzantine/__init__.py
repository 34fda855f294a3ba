"""Validators that break the protocol, by name: which there are, and which a seed draws."""

from collections.abc import Mapping
from random import Random

from tests.simulator.byzantine.actor import Actor, cast_actors
from tests.simulator.byzantine.lawless import Favourer
from tests.simulator.byzantine.lives import Amnesiac, Restored, Twin
from tests.simulator.byzantine.proposals import (
    BodyWithholder,
    BoundaryEquivocator,
    Censor,
    EdgeLeader,
    Equivocator,
    HeavyLeader,
    RuleBreaker,
    StaleJustifier,
    WrongParent,
    WrongRoot,
)
from tests.simulator.byzantine.services import (
    BadSyncServer,
    ChunkFlooder,
    EvidenceSpammer,
    HighCertificateReplayer,
    StatusLiar,
)
from tests.simulator.byzantine.votes import (
    CertificateWithholder,
    Conflicter,
    DoubleNotarizer,
    FarFuture,
    Forger,
    Impersonator,
    Nuller,
    NullifyOnly,
    Outdated,
    Reconfigurer,
    SelfNuller,
    Silent,
    Sleeper,
    VoteSplitter,
)
from tests.simulator.cluster import Cluster

ACTORS: Mapping[str, type[Actor]] = {
    "amnesiac": Amnesiac,
    "bad_sync_server": BadSyncServer,
    "body_withholder": BodyWithholder,
    "boundary_equivocator": BoundaryEquivocator,
    "censor": Censor,
    "certificate_withholder": CertificateWithholder,
    "chunk_flooder": ChunkFlooder,
    "conflicter": Conflicter,
    "double_notarizer": DoubleNotarizer,
    "edge_leader": EdgeLeader,
    "equivocator": Equivocator,
    "evidence_spammer": EvidenceSpammer,
    "far_future": FarFuture,
    "favourer": Favourer,
    "forger": Forger,
    "heavy_leader": HeavyLeader,
    "high_certificate_replayer": HighCertificateReplayer,
    "impersonator": Impersonator,
    "nuller": Nuller,
    "nullify_only": NullifyOnly,
    "outdated": Outdated,
    "reconfigurer": Reconfigurer,
    "restored": Restored,
    "rule_breaker": RuleBreaker,
    "self_nuller": SelfNuller,
    "silent": Silent,
    "sleeper": Sleeper,
    "stale_justifier": StaleJustifier,
    "status_liar": StatusLiar,
    "twin": Twin,
    "vote_splitter": VoteSplitter,
    "wrong_parent": WrongParent,
    "wrong_root": WrongRoot,
}


def draw_actors(
    drawn: Random, validators: int, *, wanted: str | None = None, scope: str = "node"
) -> dict[int, tuple[str, ...]]:
    """Return which validators misbehave and how: none in one seed of two, never more than f.

    One in five of them has two faults at once.
    """
    # f; the remainder of the division is margin.
    faulty_max = (validators - 1) // 3
    count = 0 if drawn.randrange(2) else drawn.randint(0, faulty_max)
    names = sorted(name for name, actor in ACTORS.items() if scope == "node" or not actor.needs_ledger)
    if wanted is not None:
        return dict.fromkeys(sorted(drawn.sample(range(validators), min(1, faulty_max))), (wanted,))
    return {
        index: tuple(drawn.sample(names, 1 if drawn.randrange(5) else 2))
        for index in sorted(drawn.sample(range(validators), count))
    }


def cast(cluster: Cluster, actors: Mapping[int, tuple[str, ...]]) -> None:
    """Turn nodes into actors, before they start."""
    for index, names in actors.items():
        node = cluster.nodes[index]
        cast_actors(node, [ACTORS[name](cluster, node, name) for name in names])
