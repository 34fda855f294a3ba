"""Manifests are read exactly or refused with the key and the value."""

from pathlib import Path

import pytest

from tests.testnet.faults import draw_plan
from tests.testnet.generate import generate_manifest
from tests.testnet.manifest import (
    InvalidValue,
    Kind,
    Manifest,
    ManifestError,
    MissingKey,
    Outcome,
    UnknownKey,
    UnreadableManifest,
    decode_manifest,
    load_manifest,
)
from tests.testnet.network import generator

COMMITTED = sorted((Path(__file__).parent / "manifests").glob("*.toml"))
LEAST = 'name = "one"\nduration_s = 10\n'


def decode(text: str) -> Manifest:
    return decode_manifest(text, path=Path("one.toml"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_manifest_is_readable_and_named_as_its_file(path: Path) -> None:
    assert load_manifest(path).name == path.stem


def test_least_manifest_has_four_validators_and_default_load() -> None:
    manifest = decode(LEAST)

    assert (manifest.names, manifest.load.clients, manifest.perturbations) == (
        ("alpha", "beta", "gamma", "delta"),
        2,
        (),
    )


def test_perturbation_is_read_with_its_times() -> None:
    [entry] = decode(
        LEAST + '[[perturb]]\nkind = "pause"\nnode = "beta"\nat_s = 1.5\nfor_s = 2\nthen = "recovers"\n'
    ).perturbations

    assert (entry.kind, entry.node, entry.at_s, entry.for_s, entry.then) == (
        Kind.PAUSE,
        "beta",
        1.5,
        2.0,
        Outcome.RECOVERS,
    )


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("duration_s = 10\n", MissingKey, "name is missing"),
        ('name = "one"\n', MissingKey, "duration_s is missing"),
        (LEAST + "valdiators = 4\n", UnknownKey, "unknown key valdiators"),
        (LEAST + "[load]\nspeed = 3\n", UnknownKey, "unknown key load.speed"),
        (LEAST + "validators = 11\n", InvalidValue, "validators is 11"),
        (LEAST + "validators = true\n", InvalidValue, "validators is True"),
        (LEAST + 'netem = "yes"\n', InvalidValue, "netem is 'yes'"),
        (LEAST + '[load]\nmode = "ajar"\n', InvalidValue, "load.mode is 'ajar', expected one of closed, open"),
        (LEAST + '[[perturb]]\nkind = "kill"\nnode = "zeta"\nat_s = 1\n', InvalidValue, "perturb[0].node is 'zeta'"),
        (LEAST + '[[perturb]]\nkind = "kil"\nat_s = 1\n', InvalidValue, "perturb[0].kind is 'kil'"),
        (LEAST + '[[perturb]]\nkind = "kill"\nat_s = 11\n', InvalidValue, "perturb[0].at_s is 11"),
        (LEAST + "perturb = 3\n", InvalidValue, "perturb is 3, expected a list of tables"),
        (LEAST + "[regions]\ndelay_ms = [[0, 1]]\n", InvalidValue, "regions.delay_ms"),
        (LEAST + "[regions]\ndelay_ms = [[0]]\n[regions.of]\nzeta = 0\n", UnknownKey, "unknown key regions.of.zeta"),
        (LEAST + "[start_height]\nalpha = 5\nbeta = 5\n", InvalidValue, "fewer than a third"),
        ("name = ", UnreadableManifest, "cannot read one.toml"),
    ],
)
def test_wrong_manifest_is_refused_by_key_and_value(text: str, error: type[ManifestError], says: str) -> None:
    with pytest.raises(error) as caught:
        decode(text)

    assert says in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_generated_manifest_is_readable_and_the_same_every_time(seed: int) -> None:
    text = generate_manifest(seed)

    assert text == generate_manifest(seed)
    assert decode(text).seed == seed


def test_random_faults_never_meet_more_than_the_largest_share_at_once() -> None:
    manifest = decode(
        LEAST.replace("10", "600")
        + 'validators = 7\n[random]\nkinds = ["kill"]\ninterval_s = 2\nfor_s = 8\npercent_max = 33\n'
    )

    plan = draw_plan(manifest, generator(manifest.seed, "faults"))

    assert len(plan) > 10
    for entry in plan:
        busy = {other.node for other in plan if other.at_s <= entry.at_s <= other.at_s + other.for_s}
        assert len(busy) <= 2, entry
