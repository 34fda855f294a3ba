"""Every number a node exports, in one table: name, kind, unit, meaning and when to alert. The Prometheus door.

Seconds and bytes by Prometheus custom, although the rest of the program counts milliseconds.
"""

from dataclasses import dataclass
from enum import Enum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from node.observe.facts import NodeFacts

PREFIX = "sycee_"
CONTENT_TYPE = CONTENT_TYPE_LATEST

DURATION_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""From a fast fsync to a network that decides nothing; 50 ms and 1 s are the alert thresholds."""
COUNT_BUCKETS = (0.0, 1.0, 10.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
AMOUNT_BUCKETS = (0.0, 1e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8)


class Kind(Enum):
    """How Prometheus treats a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One line of the table."""

    name: str
    """Without the prefix."""
    kind: Kind
    unit: str
    """What one is; empty for plain counts."""
    meaning: str
    alert: str
    """When a person is told; empty when never."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = DURATION_BUCKETS_S


METRICS: tuple[MetricSpec, ...] = (
    MetricSpec("final_height", Kind.GAUGE, "blocks", "last final height", "no final block for 3 heartbeats: page"),
    MetricSpec("final_timestamp_seconds", Kind.GAUGE, "s", "timestamp of the last final block", ""),
    MetricSpec("epoch", Kind.GAUGE, "", "epoch", ""),
    MetricSpec("view", Kind.GAUGE, "", "view", ""),
    MetricSpec("views_since_final", Kind.GAUGE, "views", "views entered since the last final block", "> 5: page"),
    MetricSpec("quorum_margin", Kind.GAUGE, "validators", "reachable validators minus the quorum", "0: warn"),
    MetricSpec("pending_oldest_seconds", Kind.GAUGE, "s", "age of the oldest pending payment", "> 5 for 10 s: page"),
    MetricSpec("mempool_transactions", Kind.GAUGE, "txs", "pending transactions", "> 80 % of limit: warn"),
    MetricSpec("links_up", Kind.GAUGE, "links", "links that are up", "< Q - 1: page"),
    MetricSpec("link_rtt_seconds", Kind.GAUGE, "s", "round trip of a link", "", ("peer",)),
    MetricSpec("clock_offset_seconds", Kind.GAUGE, "s", "peer's clock minus ours", "beyond ± 0.25: warn", ("peer",)),
    MetricSpec("height_lag", Kind.GAUGE, "blocks", "blocks behind the best peer", "> 2 for 1 min: warn"),
    MetricSpec("syncing", Kind.GAUGE, "", "1 while catching up", "1 for 10 min: warn"),
    MetricSpec("disk_free_ratio", Kind.GAUGE, "", "free share of the data disk", "< 0.2: warn, < 0.1: page"),
    MetricSpec("resident_bytes", Kind.GAUGE, "B", "memory of this process", ""),
    MetricSpec("supply_minor", Kind.GAUGE, "minor units", "total supply of a currency", "", ("currency",)),
    MetricSpec("build_info", Kind.GAUGE, "", "1; the labels say what runs", "", ("version", "commit")),
    MetricSpec("build_seconds", Kind.HISTOGRAM, "s", "building a block", ""),
    MetricSpec(
        "certify_seconds", Kind.HISTOGRAM, "s", "executing a proposed block", "p99 > half the view time-out: warn"
    ),
    MetricSpec("commit_seconds", Kind.HISTOGRAM, "s", "writing a final block", "p99 > 0.05: warn"),
    MetricSpec("wal_fsync_seconds", Kind.HISTOGRAM, "s", "one sync of the WAL", "p99 > 0.05: warn"),
    MetricSpec("loop_lag_seconds", Kind.HISTOGRAM, "s", "how late the event loop runs", "p99 > 0.05: warn"),
    MetricSpec("submit_to_final_seconds", Kind.HISTOGRAM, "s", "admission here to final", "p99 > 1: warn"),
    MetricSpec("final_age_seconds", Kind.HISTOGRAM, "s", "block timestamp to final", ""),
    MetricSpec("block_transactions", Kind.HISTOGRAM, "txs", "transactions of a block", "", (), COUNT_BUCKETS),
    MetricSpec("block_gas", Kind.HISTOGRAM, "gas", "gas of a block", "", (), AMOUNT_BUCKETS),
    MetricSpec("block_work", Kind.HISTOGRAM, "work", "work of a block", "p99 > 80 % of limit", (), AMOUNT_BUCKETS),
    MetricSpec("transactions_total", Kind.COUNTER, "txs", "final transactions", ""),
    MetricSpec("mempool_rejected_total", Kind.COUNTER, "txs", "transactions refused at admission", "", ("reason",)),
    MetricSpec(
        "quota_refused_total",
        Kind.COUNTER,
        "txs",
        "transactions refused for the quota of a bank; bank 0: accounts without a sponsor",
        "",
        ("bank",),
    ),
    MetricSpec(
        "nullified_views_total",
        Kind.COUNTER,
        "views",
        "views given up",
        "one leader > 5 % in 15 min: call",
        ("leader",),
    ),
    MetricSpec(
        "missed_signatures_total",
        Kind.COUNTER,
        "blocks",
        "finalizations without this validator's vote",
        "> 10 % in 15 min: warn; own node: page",
        ("validator",),
    ),
    MetricSpec("evidence_total", Kind.COUNTER, "", "proofs of equivocation", "any: page", ("validator", "kind")),
    MetricSpec("sign_refused_total", Kind.COUNTER, "votes", "votes the sign guard refused", "any: page", ("rule",)),
    MetricSpec("rpc_requests_total", Kind.COUNTER, "calls", "JSON-RPC calls", "errors > 5 %: warn", ("method", "code")),
    MetricSpec("rpc_subscriptions", Kind.GAUGE, "", "open subscriptions", ""),
    MetricSpec("rpc_seconds", Kind.HISTOGRAM, "s", "time of a JSON-RPC call", "", ("method",)),
)


class Metrics:
    """The metrics of one node. Call from the loop thread only."""

    __slots__ = ("_counters", "_gauges", "_histograms", "_registry")

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        for spec in METRICS:
            name = PREFIX + spec.name
            if spec.kind is Kind.GAUGE:
                self._gauges[spec.name] = Gauge(name, spec.meaning, spec.labels, registry=self._registry)
            elif spec.kind is Kind.COUNTER:
                self._counters[spec.name] = Counter(name, spec.meaning, spec.labels, registry=self._registry)
            else:
                self._histograms[spec.name] = Histogram(
                    name, spec.meaning, spec.labels, registry=self._registry, buckets=spec.buckets
                )

    def render(self, facts: NodeFacts) -> bytes:
        """Return the Prometheus text after setting every gauge from `facts`."""
        self._set_gauges(facts)
        return generate_latest(self._registry)

    def observe_build(self, milliseconds: float) -> None:
        """Count one block built here."""
        self._histograms["build_seconds"].observe(milliseconds / 1000)

    def observe_certify(self, milliseconds: float) -> None:
        """Count one block executed before voting to finalize it."""
        self._histograms["certify_seconds"].observe(milliseconds / 1000)

    def observe_commit(self, milliseconds: float) -> None:
        """Count one final block written."""
        self._histograms["commit_seconds"].observe(milliseconds / 1000)

    def observe_wal_fsync(self, milliseconds: float) -> None:
        """Count one sync of the write-ahead log."""
        self._histograms["wal_fsync_seconds"].observe(milliseconds / 1000)

    def observe_loop_lag(self, milliseconds: float) -> None:
        """Count how late a timer of the event loop fired."""
        self._histograms["loop_lag_seconds"].observe(milliseconds / 1000)

    def observe_submit_to_final(self, milliseconds: float) -> None:
        """Count one transaction from admission on this node to final."""
        self._histograms["submit_to_final_seconds"].observe(milliseconds / 1000)

    def observe_final(self, *, transactions: int, gas: int, work: int, age_ms: float) -> None:
        """Count one final block; `age_ms` from its timestamp."""
        self._histograms["block_transactions"].observe(transactions)
        self._histograms["block_gas"].observe(gas)
        self._histograms["block_work"].observe(work)
        self._histograms["final_age_seconds"].observe(age_ms / 1000)
        self._counters["transactions_total"].inc(transactions)

    def observe_rpc(self, *, method: str, code: int, milliseconds: float) -> None:
        """Count one JSON-RPC call of a known `method`; `code` is 0 or the error's."""
        self._counters["rpc_requests_total"].labels(method, str(code)).inc()
        self._histograms["rpc_seconds"].labels(method).observe(milliseconds / 1000)

    def set_rpc_subscriptions(self, count: int) -> None:
        """Show how many subscriptions are open."""
        self._gauges["rpc_subscriptions"].set(count)

    def count_rejected(self, reason: str, count: int = 1) -> None:
        """Count transactions refused at admission; `reason` is the stable snake_case word."""
        self._counters["mempool_rejected_total"].labels(reason).inc(count)

    def count_quota_refused(self, bank_id: int, count: int) -> None:
        """Count transactions refused for the quota of the bank numbered `bank_id`."""
        self._counters["quota_refused_total"].labels(str(bank_id)).inc(count)

    def count_nullified(self, leader: str) -> None:
        """Count one nullified view of `leader`."""
        self._counters["nullified_views_total"].labels(leader).inc()

    def count_missed_signature(self, validator: str) -> None:
        """Count one final view in which no vote of `validator` arrived."""
        self._counters["missed_signatures_total"].labels(validator).inc()

    def count_evidence(self, *, validator: str, kind: str) -> None:
        """Count one proof that `validator` signed twice."""
        self._counters["evidence_total"].labels(validator, kind).inc()

    def count_sign_refused(self, rule: str, count: int = 1) -> None:
        """Count votes the sign guard refused by `rule`."""
        self._counters["sign_refused_total"].labels(rule).inc(count)

    def _set_gauges(self, facts: NodeFacts) -> None:
        plain = {
            "final_height": facts.height_final,
            "final_timestamp_seconds": facts.timestamp_final_ms / 1000,
            "epoch": facts.epoch,
            "view": facts.view,
            "views_since_final": max(0, facts.view - facts.view_final - 1),
            "quorum_margin": facts.quorum_margin,
            "pending_oldest_seconds": facts.pending_oldest_age_ms / 1000,
            "mempool_transactions": facts.pending_count,
            "links_up": facts.links_up,
            "height_lag": facts.height_lag,
            "syncing": int(facts.is_syncing),
            "disk_free_ratio": facts.disk_free_thousandths / 1000,
            "resident_bytes": facts.resident_bytes,
        }
        for name, value in plain.items():
            self._gauges[name].set(value)
        self._gauges["build_info"].labels(facts.build.version, facts.build.commit).set(1)
        for supply in facts.supplies:
            self._gauges["supply_minor"].labels(supply.code).set(supply.supply_minor)
        for link in facts.links:
            if link.rtt_ms is not None:
                self._gauges["link_rtt_seconds"].labels(link.peer).set(link.rtt_ms / 1000)
            if link.clock_offset_ms is not None:
                self._gauges["clock_offset_seconds"].labels(link.peer).set(link.clock_offset_ms / 1000)
