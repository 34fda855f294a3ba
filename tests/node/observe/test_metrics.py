"""Everything in the table is exported, and every exported number moves when it is fed."""

from dataclasses import replace

from node.observe.metrics import METRICS, PREFIX, Kind, Metrics
from tests.node.observe.example import HEALTHY


def exported(metrics: Metrics) -> dict[str, float]:
    text = metrics.render(HEALTHY).decode()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def feed_everything(metrics: Metrics) -> None:
    metrics.observe_build(11)
    metrics.observe_certify(9)
    metrics.observe_commit(4)
    metrics.observe_wal_fsync(2)
    metrics.observe_loop_lag(1)
    metrics.observe_submit_to_final(48)
    metrics.observe_final(transactions=37, gas=1_900_000, work=61_000, age_ms=48)
    metrics.observe_rpc(method="eth_call", code=0, milliseconds=3)
    metrics.count_rejected("nonce_too_low")
    metrics.count_quota_refused(3, 2)
    metrics.count_nullified("beta")
    metrics.count_missed_signature("gamma")
    metrics.count_evidence(validator="delta", kind="notarize")
    metrics.count_sign_refused("two_digests")


def test_every_metric_of_the_table_is_exported_once_fed() -> None:
    metrics = Metrics()
    feed_everything(metrics)
    names = {key.split("{")[0] for key in exported(metrics)}

    for spec in METRICS:
        suffix = "_count" if spec.kind is Kind.HISTOGRAM else ""
        assert PREFIX + spec.name + suffix in names, spec.name


def test_names_in_the_table_are_unique() -> None:
    names = [spec.name for spec in METRICS]

    assert len(set(names)) == len(names)


def test_gauges_are_the_facts_in_seconds_and_ratios() -> None:
    values = exported(Metrics())

    assert values["sycee_final_height"] == 1204
    assert values["sycee_pending_oldest_seconds"] == 0.1
    assert values["sycee_disk_free_ratio"] == 0.714
    assert values["sycee_quorum_margin"] == 1
    assert values['sycee_link_rtt_seconds{peer="gamma"}'] == 0.041
    assert values['sycee_supply_minor{currency="EUR"}'] == 123_456


def test_a_commit_of_fifty_milliseconds_is_below_the_alert_and_one_more_is_above() -> None:
    metrics = Metrics()
    metrics.observe_commit(50)
    metrics.observe_commit(51)
    values = exported(metrics)

    assert values['sycee_commit_seconds_bucket{le="0.05"}'] == 1
    assert values['sycee_commit_seconds_bucket{le="0.1"}'] == 2


def test_counters_count() -> None:
    metrics = Metrics()
    metrics.observe_final(transactions=3, gas=0, work=0, age_ms=1)
    metrics.observe_final(transactions=4, gas=0, work=0, age_ms=1)
    metrics.count_rejected("nonce_too_low")
    metrics.count_quota_refused(3, 2)

    values = exported(metrics)
    assert values["sycee_transactions_total"] == 7
    assert values['sycee_mempool_rejected_total{reason="nonce_too_low"}'] == 1
    assert values['sycee_quota_refused_total{bank="3"}'] == 2


def test_two_nodes_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.observe_commit(1)

    assert exported(second)["sycee_commit_seconds_count"] == 0
    assert second.render(replace(HEALTHY, is_syncing=True)).decode().count("sycee_syncing 1.0") == 1
