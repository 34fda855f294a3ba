"""A short flood of every kind of bad transaction; `python -m tests.e2e.hostile` is the long one."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.cluster import height_of, running_devnet, wait_all_at
from tests.e2e.hostile import EXPECTED, Findings, Flood, attack, judge, report

pytestmark = pytest.mark.e2e

SECONDS = 3.0


def test_every_bad_transaction_is_told_why_and_honest_payments_become_final(tmp_path: Path) -> None:
    with running_devnet(tmp_path / "devnet", 11_220) as cluster:
        findings = asyncio.run(attack(cluster, SECONDS))

        assert findings.problems() == [], report(findings)
        assert findings.told.keys() == EXPECTED.keys()
        assert findings.honest_final == findings.honest_sent > 0
        height = height_of(cluster.urls[0])
        wait_all_at(cluster.urls, height)


def test_an_answer_with_another_reason_is_a_problem() -> None:
    flood = Flood(b"", ("wrong chain",), Counter({"wrong_chain_id": 1}))
    findings = Findings()

    judge(flood, b'[{"id":0,"error":{"code":-32000,"message":"m","data":{"reason":"malformed"}}}]', findings)

    assert findings.told == {}
    assert "wrong_chain_id expected 1 times" in findings.problems()[0]
