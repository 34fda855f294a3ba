"""Blocks above the final one: what stays, what goes, and whose bodies are taken."""

from dataclasses import replace

import pytest

from consensus.chain.block import EMPTY_BODY, encode_body, make_block
from consensus.chain.header import Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT, ordered_list_root
from consensus.chain.receipt import bloom_bytes
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View
from node.chain import block_tree
from node.chain.block_tree import BlockTree, TreeBlock, WrongBody

FINAL = Hash32(b"\xf1" * 32)
ROOT = Hash32(bytes(32))
TRANSACTIONS = (b"\x02first", b"\x02second")


def header(parent: Hash32, height: int, view: int, transactions_root: Hash32 = EMPTY_TRIE_ROOT) -> Header:
    return Header(
        parent_hash=parent,
        leader=Address(bytes(20)),
        state_root=ROOT,
        transactions_root=transactions_root,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bloom_bytes(0),
        height=Height(height),
        gas_limit=1,
        gas_used=0,
        timestamp_ms=TimestampMs(1_000),
        epoch=Epoch(0),
        view=View(view),
        previous_randao=ROOT,
        requests_hash=ROOT,
    )


def add(tree: BlockTree, content: Header) -> Hash32:
    block = make_block(content, ())
    assert tree.add_header(block.block_hash, content, block.header_rlp) is not None
    return block.block_hash


def hashes(tree: BlockTree) -> set[Hash32]:
    return {block.block_hash for block in tree.above()}


@pytest.fixture
def tree() -> BlockTree:
    return BlockTree(FINAL, Height(7))


def test_advance_keeps_descendants_and_drops_every_branch_beside_them(tree: BlockTree) -> None:
    first = add(tree, header(FINAL, 8, 10))
    second = add(tree, header(first, 9, 11))
    third = add(tree, header(second, 10, 12))
    beside = add(tree, header(FINAL, 8, 9))
    above_beside = add(tree, header(beside, 9, 13))
    fork_higher = add(tree, header(first, 9, 14))
    tree.advance(first, Height(8))
    assert hashes(tree) == {second, third, fork_higher}
    assert tree.get(above_beside) is None and tree.get(beside) is None and tree.get(first) is None
    tree.advance(second, Height(9))
    assert hashes(tree) == {third}
    assert (tree.final_hash, tree.final_height) == (second, 9)


def test_block_whose_ancestors_are_not_known_yet_stays(tree: BlockTree) -> None:
    first = add(tree, header(FINAL, 8, 10))
    orphan = add(tree, header(Hash32(b"\x0a" * 32), 12, 20))
    tree.advance(first, Height(8))
    assert hashes(tree) == {orphan}
    tree.advance(Hash32(b"\x0b" * 32), Height(12))
    assert len(tree) == 0


def test_descendants_of_a_block_whose_parent_is_not_known_yet_stay_too(tree: BlockTree) -> None:
    missing = make_block(header(FINAL, 8, 10), ())
    unknown = Hash32(b"\x0a" * 32)
    orphan = add(tree, header(unknown, 10, 12))
    child = add(tree, header(orphan, 11, 13))
    grandchild = add(tree, header(child, 12, 14))
    tree.advance(missing.block_hash, Height(8))
    assert hashes(tree) == {orphan, child, grandchild}
    tree.advance(unknown, Height(9))
    assert hashes(tree) == {orphan, child, grandchild}
    tree.advance(Hash32(b"\x0b" * 32), Height(10))
    assert len(tree) == 0


def test_headers_at_or_below_the_final_height_are_not_remembered(tree: BlockTree) -> None:
    for height in (6, 7):
        block = make_block(header(FINAL, height, 3), ())
        assert tree.add_header(block.block_hash, block.header, block.header_rlp) is None
    assert len(tree) == 0


def test_path_leads_from_just_above_the_final_block(tree: BlockTree) -> None:
    first = add(tree, header(FINAL, 8, 10))
    second = add(tree, header(first, 9, 11))
    orphan = add(tree, header(Hash32(b"\x0a" * 32), 9, 12))

    def path(block_hash: Hash32) -> list[Hash32] | None:
        found = tree.path_from_final(block_hash)
        return None if found is None else [block.block_hash for block in found]

    assert path(second) == [first, second]
    assert path(FINAL) == []
    assert path(orphan) is None


def test_body_is_taken_once_and_only_by_its_header(tree: BlockTree) -> None:
    block_hash = add(tree, header(FINAL, 8, 10, ordered_list_root(TRANSACTIONS)))
    with pytest.raises(WrongBody, match="not those of block"):
        tree.add_body(block_hash, EMPTY_BODY)
    with pytest.raises(WrongBody):
        tree.add_body(block_hash, b"\xff\xff")
    body = encode_body(TRANSACTIONS)
    block = tree.add_body(block_hash, body)
    assert block is not None and block.transactions == TRANSACTIONS and block.body == body
    assert tree.add_body(block_hash, body) is None
    assert tree.add_body(Hash32(b"\x0c" * 32), body) is None


def test_full_tree_forgets_its_lowest_block(tree: BlockTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_tree, "BLOCKS_MAX", 3)
    first = add(tree, header(FINAL, 8, 10))
    kept = [add(tree, header(first, 9, view)) for view in (11, 12, 13)]
    assert hashes(tree) == set(kept)


def test_known_header_keeps_what_was_learnt_of_its_block(tree: BlockTree) -> None:
    content = header(FINAL, 8, 10)
    known = tree.get(add(tree, content))
    assert isinstance(known, TreeBlock)
    known.is_invalid = True
    assert tree.get(add(tree, content)) is known


def test_blocks_are_listed_by_height(tree: BlockTree) -> None:
    first = add(tree, header(FINAL, 8, 10))
    add(tree, header(first, 9, 11))
    add(tree, replace(header(FINAL, 8, 10), gas_used=1))
    assert [block.header.height for block in tree.above()] == [8, 8, 9]


def test_highest_view_is_of_any_branch_and_none_of_an_empty_tree(tree: BlockTree) -> None:
    assert tree.view_highest() == 0
    first = add(tree, header(FINAL, 8, 15))
    add(tree, header(first, 9, 16))
    add(tree, header(FINAL, 8, 17))
    assert tree.view_highest() == 17
