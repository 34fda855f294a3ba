"""The index of open holds and redemptions names, at every height, at least what is open there."""

from collections.abc import Iterator

import pytest

from consensus.primitives.scalars import Address, Height
from node.chain import indexes, reservations
from node.chain.indexes import INDEX_GROUPS, open_indexes, rebuild_indexes
from node.chain.reservations import HOLD, REDEMPTION, ReservationRole, ReservationWriter, is_place
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.schema import META_INDEX
from tests.node.chain.test_indexes import Chain, entries
from tests.node.execution.ledger import ALICE, BOB, CAROL, DAVE, document, genesis
from tests.node.rpc import statement_chain
from tests.node.rpc.statement_chain import HOLD as FIRST_HOLD
from tests.node.rpc.statement_chain import OPEN_HOLD, SHORT_HOLD

PAYER, PAYEE, NOTARY = ReservationRole
THIRD = (3).to_bytes(32, "big")
HEIGHT_LAST = 8


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain(genesis(), INDEX_GROUPS).extend(list(statement_chain.blocks()))


def named(found: Iterator[reservations.Reservation]) -> list[tuple[bytes, bytes, int]]:
    return [(entry.kind, entry.id, entry.roles) for entry in found]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (ALICE, [(HOLD, OPEN_HOLD, PAYER), (REDEMPTION, THIRD, PAYER)]),
        (BOB, [(HOLD, OPEN_HOLD, PAYEE)]),
        (CAROL, [(HOLD, OPEN_HOLD, NOTARY)]),
        (DAVE, []),
    ],
)
def test_open_holds_and_redemptions_are_found_for_everybody_who_has_to_do_with_them(
    chain: Chain, account: Address, expected: list[tuple[bytes, bytes, int]]
) -> None:
    assert named(chain.reader().reservations(account, Height(HEIGHT_LAST))) == expected


def test_what_closed_after_a_height_is_found_for_it(chain: Chain) -> None:
    found = named(chain.reader().reservations(ALICE, Height(2)))
    assert sorted(found[2:]) == sorted(
        [
            (HOLD, FIRST_HOLD, PAYER),
            (HOLD, SHORT_HOLD, PAYER),
            (REDEMPTION, (1).to_bytes(32, "big"), PAYER),
            (REDEMPTION, (2).to_bytes(32, "big"), PAYER),
        ]
    )
    assert (HOLD, FIRST_HOLD, PAYER) not in named(chain.reader().reservations(ALICE, Height(4)))


@pytest.mark.parametrize("height", range(HEIGHT_LAST + 1))
def test_list_goes_on_behind_any_entry(chain: Chain, height: int) -> None:
    reader = chain.reader()
    whole = list(reader.reservations(ALICE, Height(height)))
    for index, entry in enumerate(whole):
        assert is_place(entry.place)
        assert list(reader.reservations(ALICE, Height(height), after=entry.place)) == whole[index + 1 :]


@pytest.mark.parametrize("place", [b"", b"\x00", b"\x02" + bytes(53), b"\x00" + bytes(61), b"\x01" + bytes(53)])
def test_other_bytes_are_no_place(place: bytes) -> None:
    assert not is_place(place)


@pytest.mark.parametrize("operations_max", [1, 10, 10_000])
def test_index_built_later_has_the_same_bytes(
    chain: Chain, operations_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "REBUILD_OPERATIONS_MAX", operations_max)
    later = Chain(genesis(), ()).extend(list(statement_chain.blocks()))
    open_indexes(later.store, document(), INDEX_GROUPS)
    assert entries(later.store) == entries(chain.store)
    rebuild_indexes(later.store, document(), INDEX_GROUPS)
    assert entries(later.store) == entries(chain.store)


def test_notary_that_left_memory_is_read_from_disk(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReservationWriter, "_keep_notary", lambda writer, name, notary: None)
    forgetful = Chain(genesis(), INDEX_GROUPS).extend(list(statement_chain.blocks()))
    assert entries(forgetful.store) == entries(chain.store)


def test_notaries_kept_are_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations, "NOTARIES_KEPT_MAX", 2)
    writer, store = ReservationWriter(), MemoryStore()
    for number in range(3):
        writer._keep_notary(bytes((number,)), b"\x0a" * 20)
    assert [writer._take_notary(store, bytes((number,))) for number in range(3)] == [
        bytes(20),
        b"\x0a" * 20,
        b"\x0a" * 20,
    ]


def test_addresses_indexed_in_the_form_before_are_indexed_anew() -> None:
    old = Chain(genesis(), ("logs", "holders")).extend(list(statement_chain.blocks()))
    batch = WriteBatch()
    batch.put(META_INDEX + b"addresses", (HEIGHT_LAST + 1).to_bytes(8, "big"))
    old.store.write(batch, sync=True)
    assert not old.reader().is_complete("addresses")
    open_indexes(old.store, document(), INDEX_GROUPS)
    assert named(old.reader().reservations(CAROL, Height(HEIGHT_LAST))) == [(HOLD, OPEN_HOLD, NOTARY)]
    # Nothing of the form before is left: `sycee-node verify` would not know it.
    assert entries(old.store) == entries(Chain(genesis(), INDEX_GROUPS).extend(list(statement_chain.blocks())).store)
