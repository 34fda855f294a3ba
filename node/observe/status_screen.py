"""The one screen about a node, as text for people and as JSON for programs: the same facts. Computes nothing new."""

from collections.abc import Mapping

from node.observe.build_info import describe_build
from node.observe.facts import NodeFacts

LABEL_WIDTH = 11
COLUMN_WIDTH = 27
MIB = 1024 * 1024
FAILOVER_PAGE = "docs/operators/failover.md"

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


def render_status(facts: NodeFacts) -> str:
    """Return the screen, seven lines with a final newline; more when this validator does not vote."""
    own = facts.own
    place = (
        f"{facts.role} {facts.validator_index} of {len(facts.validators)} (quorum {facts.quorum})"
        if own is not None
        else f"{facts.role}, {len(facts.validators)} validators (quorum {facts.quorum})"
    )
    in_epoch = max(0, facts.height_final - facts.epoch_height_first + 1)
    lines = [
        _line(facts.name, place.ljust(38), f"Sycee {describe_build(facts.build)}".ljust(26), f"chain {facts.chain_id}"),
        _line(
            "final",
            f"{facts.height_final}   {_seconds(facts.final_age_ms)} s ago".ljust(COLUMN_WIDTH),
            f"epoch {facts.epoch} (block {in_epoch} of {facts.epoch_blocks_max})".ljust(COLUMN_WIDTH + 2),
            f"view {facts.view}, {max(0, facts.view - facts.view_final - 1)} since final",
        ),
    ]
    if own is not None:
        lines.append(
            _line(
                "signed",
                f"{own.signed_blocks} of last {facts.recent_window_blocks}".ljust(COLUMN_WIDTH),
                f"nullified views as leader  {own.nullified_views} of {own.led_views}",
            )
        )
    if facts.voting_stopped or facts.resume is not None:
        lines += [_line("voting", text) for text in _voting(facts)]
    slowest = facts.slowest_link
    lines += [
        _line(
            "links",
            _joined(
                f"{facts.links_up} of {len(facts.links)}",
                f"slowest {slowest.peer} {slowest.rtt_ms} ms" if slowest is not None else "",
            ).ljust(COLUMN_WIDTH + 5),
            f"clock {facts.clock_offset_ms:+d} ms".ljust(16),
            f"sync {_sync(facts)}",
        ),
        _line(
            "pending",
            _joined(f"{facts.pending_count} txs", _oldest(facts)).ljust(COLUMN_WIDTH + 5),
            # Whole per cent for the eye: the remainder of the thousandths is dropped.
            f"disk {facts.disk_free_thousandths // 10} % free".ljust(16),
            f"fsync p99 {facts.wal_fsync_p99_us / 1000:.1f} ms   RSS {facts.resident_bytes // MIB} MiB",
        ),
        _line(
            "supply", "   ".join(_supply(entry.code, entry.supply_minor, entry.decimals) for entry in facts.supplies)
        ),
        _line("evidence", str(facts.evidence_count) if facts.evidence_count else "none"),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def status_json(facts: NodeFacts) -> dict[str, Json]:
    """Return the screen for programs: the same facts, integers with their unit in the name."""
    own = facts.own
    slowest = facts.slowest_link
    return {
        "schema": "sycee-status/1",
        "name": facts.name,
        "role": facts.role,
        "version": facts.build.version,
        "commit": facts.build.commit,
        "chain_id": facts.chain_id,
        "network": facts.network_name,
        "genesis_hash": _hex(facts.genesis_hash),
        "validator_index": facts.validator_index,
        "validators": len(facts.validators),
        "quorum": facts.quorum,
        "quorum_margin": facts.quorum_margin,
        "final": {
            "height": facts.height_final,
            "hash": _hex(facts.hash_final),
            "state_root": _hex(facts.state_root),
            "timestamp_ms": facts.timestamp_final_ms,
            "age_ms": facts.final_age_ms,
            "view": facts.view_final,
        },
        "epoch": facts.epoch,
        "epoch_height_first": facts.epoch_height_first,
        "epoch_blocks_max": facts.epoch_blocks_max,
        "view": facts.view,
        "height_lag": facts.height_lag,
        "syncing": facts.is_syncing,
        "signed_blocks": own.signed_blocks if own is not None else None,
        "recent_window_blocks": facts.recent_window_blocks,
        "nullified_views": own.nullified_views if own is not None else None,
        "led_views": own.led_views if own is not None else None,
        "links_up": facts.links_up,
        "links": [
            {
                "peer": link.peer,
                "up": link.is_up,
                "rtt_ms": link.rtt_ms,
                "clock_offset_ms": link.clock_offset_ms,
            }
            for link in facts.links
        ],
        "slowest_link": slowest.peer if slowest is not None else None,
        "clock_offset_ms": facts.clock_offset_ms,
        "pending": facts.pending_count,
        "pending_max": facts.pending_max,
        "pending_oldest_age_ms": facts.pending_oldest_age_ms,
        "disk_free_thousandths": facts.disk_free_thousandths,
        "wal_fsync_p99_us": facts.wal_fsync_p99_us,
        "resident_bytes": facts.resident_bytes,
        "uptime_ms": facts.uptime_ms,
        "evidence": facts.evidence_count,
        "voting": _voting_json(facts),
        "supplies": [
            {"code": entry.code, "decimals": entry.decimals, "supply_minor": str(entry.supply_minor)}
            for entry in facts.supplies
        ],
    }


def validators_json(facts: NodeFacts) -> dict[str, Json]:
    """Return the epoch's validator set for programs."""
    return {
        "schema": "sycee-validators/1",
        "epoch": facts.epoch,
        "quorum": facts.quorum,
        "validators": [
            {
                "index": validator.index,
                "name": validator.name,
                "operator": _hex(validator.operator),
                "consensus_key": _hex(validator.consensus_key),
                "endpoints": list(validator.endpoints),
                "signed_blocks": validator.signed_blocks,
                "led_views": validator.led_views,
                "nullified_views": validator.nullified_views,
            }
            for validator in facts.validators
        ],
    }


def render_validators(content: Mapping[str, Json]) -> str:
    """Return what `validators_json` gave as a table for people."""
    validators = content["validators"]
    assert isinstance(validators, list)
    lines = [f"epoch {content['epoch']}, quorum {content['quorum']}"]
    for entry in validators:
        assert isinstance(entry, dict)
        lines.append(f"{entry['index']!s:>3}  {entry['name']!s:<12} {entry['operator']}  {entry['consensus_key']}")
    return "\n".join(lines) + "\n"


def format_minor(amount_minor: int, decimals: int) -> str:
    """Return minor units as people read them: 123456 with 2 decimals is `1,234.56`."""
    if decimals == 0:
        return f"{amount_minor:,}"
    # The quotient is whole units; the remainder becomes the digits after the point.
    whole, rest = divmod(amount_minor, 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d}"


def _supply(code: str, supply_minor: int, decimals: int) -> str:
    return f"{format_minor(supply_minor, decimals)} {code}"


def _line(label: str, *columns: str) -> str:
    return label.ljust(LABEL_WIDTH) + " ".join(columns)


def _joined(*parts: str) -> str:
    return "   ".join(part for part in parts if part)


def _oldest(facts: NodeFacts) -> str:
    return f"oldest {_seconds(facts.pending_oldest_age_ms)} s" if facts.pending_count else ""


def _voting(facts: NodeFacts) -> list[str]:
    """Return why this validator does not vote, and what it waits for."""
    if facts.voting_stopped:
        return [f"STOPPED: {facts.voting_stopped} ({FAILOVER_PAGE})"]
    resume = facts.resume
    if resume is None:
        return []
    if resume.resume_view is not None:
        return [f"from view {resume.resume_view} on: {resume.reason}"]
    said = f"answers {len(resume.answered)} of {resume.answers_needed}"
    if resume.missing:
        said += f"   missing {', '.join(resume.missing)}"
    if resume.forgetful:
        said += f"   forgotten too {', '.join(resume.forgetful)}"
    lines = [f"waits: {resume.reason}", said]
    if resume.obstacle:
        lines.append(f"CANNOT: {resume.obstacle} ({FAILOVER_PAGE})")
    return lines


def _voting_json(facts: NodeFacts) -> dict[str, Json]:
    resume = facts.resume
    return {
        "stopped": facts.voting_stopped or None,
        "resume": None
        if resume is None
        else {
            "reason": resume.reason,
            "resume_view": resume.resume_view,
            "answers_needed": resume.answers_needed,
            "answered": list(resume.answered),
            "missing": list(resume.missing),
            "forgetful": list(resume.forgetful),
            "obstacle": resume.obstacle or None,
        },
    }


def _sync(facts: NodeFacts) -> str:
    if facts.is_syncing:
        return f"catching up, {facts.height_lag} behind"
    return "in step" if facts.height_lag == 0 else f"{facts.height_lag} behind"


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.1f}"


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
