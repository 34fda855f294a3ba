"""config.md and metrics.md, from the tables that the node reads."""

from itertools import groupby

from node.config import SETTINGS, Setting, format_value
from node.observe.metrics import METRICS, PREFIX
from tests.reference.markdown import STAMP, code, codes, table

UNBOUNDED = 2**63 - 1


def settings_page() -> str:
    """Return config.md."""
    parts = [
        "# Configuration\n",
        STAMP,
        "A key of `node.toml` is also a flag of `sycee-node start` and a variable in the environment; a flag goes"
        "\nbefore the environment, that before the file; `sycee-node config check` prints where each came from.\n",
    ]
    for section, settings in groupby(SETTINGS.values(), key=lambda setting: setting.key.split(".")[0]):
        rows = [
            (
                code(setting.key.split(".")[1]),
                code(format_value(setting.default)),
                _meaning(setting),
                code(setting.flag),
            )
            for setting in settings
        ]
        parts += [f"## [{section}]\n", table(("key", "default", "meaning", "flag"), rows)]
    parts.append(
        "In the environment `rpc.call_gas_max` is `SYCEE_RPC_CALL_GAS_MAX`, and so on; lists are separated by commas.\n"
    )
    return "\n".join(parts)


def _meaning(setting: Setting) -> str:
    if setting.choices:
        return f"{setting.meaning}; of {codes(setting.choices)}"
    if isinstance(setting.default, bool) or not isinstance(setting.default, int):
        return setting.meaning
    if setting.maximum != UNBOUNDED:
        return f"{setting.meaning}; {setting.minimum:,} to {setting.maximum:,}"
    return f"{setting.meaning}; at least {setting.minimum:,}" if setting.minimum else setting.meaning


def metrics_page() -> str:
    """Return metrics.md."""
    rows = [
        (
            code(PREFIX + spec.name),
            spec.kind.value,
            spec.unit,
            spec.meaning + (f"; by {codes(spec.labels)}" if spec.labels else ""),
            spec.alert,
        )
        for spec in METRICS
    ]
    head = "# Metrics\n\n" + STAMP + "\n`GET /metrics` on the ops port, in the Prometheus text format.\n\n"
    return head + table(("metric", "kind", "unit", "meaning", "alert"), rows)
