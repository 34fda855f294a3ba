"""A registry whose validators hold real keys, for tests of everything that decides who validates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nacl.signing import SigningKey

from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.messages import Kind, SigningDomain, Statement, Vote, encode_vote, sign_bytes
from consensus.simplex.validators import Validator, decode_set_payload
from contracts.abi import AbiValue
from contracts.addresses import PROTOCOL_CONFIG, VALIDATOR_REGISTRY
from contracts.layout import ValidatorRegistrySlots, former_set_slot
from contracts.native.epoch_end import GenesisMember, begin_next_epoch, keep_genesis_hash
from contracts.native.validator_state import MemberRecord, read_member, read_set
from contracts.validator_keys import ValidatorKeys, proof_bytes
from tests.contracts.ledger import GOVERNOR, DictionaryContext, Ledger, Outcome, account, genesis

GENESIS_HASH = Hash32(b"\x67" * 32)
DOMAIN = SigningDomain(DictionaryContext.chain_id, GENESIS_HASH)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The private side of one validator's three keys."""

    signers: tuple[SigningKey, SigningKey, SigningKey]

    @property
    def keys(self) -> ValidatorKeys:
        return ValidatorKeys(*(bytes(signer.verify_key) for signer in self.signers))

    def proofs(self, operator: Address, keys: ValidatorKeys | None = None) -> tuple[bytes, bytes, bytes]:
        """Return what proves possession for `operator`; `keys` lets it prove something else."""
        message = proof_bytes(
            chain_id=DictionaryContext.chain_id, genesis_hash=GENESIS_HASH, operator=operator, keys=keys or self.keys
        )
        consensus, tls, attestation = (signer.sign(message).signature for signer in self.signers)
        return consensus, tls, attestation


def holder(number: int) -> KeyHolder:
    """Return three keys that no other number has."""
    first, second, third = (SigningKey(bytes((number, field)) * 16) for field in range(3))
    return KeyHolder((first, second, third))


def operator(number: int) -> Address:
    """Return the account that manages a validator; those of the first set are numbered from 0."""
    return account(100 + number)


def name(number: int) -> str:
    return f"bank-{number}"


def endpoints(number: int) -> tuple[str, ...]:
    return (f"10.0.0.{number}:30300",)


class Registry(Ledger):
    """A ledger with `count` validators, whose calls default to the registry."""

    def __init__(self, count: int = 4) -> None:
        members = tuple(
            GenesisMember(name(number), operator(number), holder(number).keys, endpoints(number))
            for number in range(count)
        )
        super().__init__(replace(genesis(), validators=members))
        self.height = 12
        keep_genesis_hash(self.context(), GENESIS_HASH)

    def context(self) -> DictionaryContext:
        context = DictionaryContext(
            self.storage, [], address=VALIDATOR_REGISTRY, caller=ZERO_ADDRESS, value=0, is_static=False
        )
        context.block_number = self.height
        return context

    def get_slot(self, slot: int) -> int:
        return self.storage[VALIDATOR_REGISTRY].get(slot, 0)

    def does(self, caller: Address, function: str, *values: AbiValue) -> Outcome:
        return self.call(caller, VALIDATOR_REGISTRY, function, *values)

    def council(self, function: str, *values: AbiValue) -> Outcome:
        return self.does(GOVERNOR, function, *values)

    def join(self, number: int, **changes: AbiValue) -> Outcome:
        """Let an operator ask to join with everything in order but for the arguments given by name."""
        own = holder(number)
        proofs = own.proofs(operator(number))
        arguments: dict[str, AbiValue] = {
            "name": name(number),
            "consensus": own.keys.consensus,
            "tls": own.keys.tls,
            "attestation": own.keys.attestation,
            "endpoints": endpoints(number),
            "consensus_proof": proofs[0],
            "tls_proof": proofs[1],
            "attestation_proof": proofs[2],
        }
        return self.does(operator(number), "requestJoin", *{**arguments, **changes}.values())

    def rotate(self, number: int, new: int) -> Outcome:
        """Let an operator ask for the keys of `new`."""
        following = holder(new)
        return self.does(operator(number), "rotate", *following.keys.each(), *following.proofs(operator(number)))

    def make_candidate(self, number: int, *, is_ready: bool = True) -> None:
        assert self.join(number).error is None
        assert self.council("approve", operator(number)).error is None
        if is_ready:
            assert self.does(operator(number), "ready").error is None

    def end_epoch(self) -> tuple[Validator, ...]:
        """Take the step that the last block of an epoch takes, and return the next set."""
        before = self.epoch
        payload = begin_next_epoch(self.context())
        self.height += 1
        epoch, validators = decode_set_payload(payload)
        assert epoch == self.epoch == before + 1
        assert validators == self.validators
        return validators

    @property
    def epoch(self) -> int:
        epoch = self.read(VALIDATOR_REGISTRY, "epoch")
        assert isinstance(epoch, int)
        return epoch

    @property
    def validators(self) -> tuple[Validator, ...]:
        return read_set(self.get_slot, ValidatorRegistrySlots.VALIDATORS)

    def former(self, epoch: int) -> tuple[Validator, ...]:
        return read_set(self.get_slot, former_set_slot(epoch))

    def operators(self) -> list[int]:
        """Return the numbers of the operators in the set, ascending."""
        return numbers([validator.operator for validator in self.validators])

    def member(self, number: int) -> MemberRecord:
        return read_member(self.get_slot, operator(number))

    def listed(self, kind: str) -> list[int]:
        """Return the numbers of the operators that are `pending` or `suspended`, in the order of their list."""
        count = self.read(VALIDATOR_REGISTRY, f"{kind}Count")
        assert isinstance(count, int)
        found = [self.read(VALIDATOR_REGISTRY, f"{kind}At", index) for index in range(count)]
        return [int.from_bytes(entry[1:], "big") - 100 for entry in found if isinstance(entry, bytes)]

    def parameter(self, named: str) -> tuple[AbiValue, ...]:
        return self.call(GOVERNOR, PROTOCOL_CONFIG, "parameterOf", named).values


def numbers(operators: Sequence[Address]) -> list[int]:
    return sorted(int.from_bytes(address[1:], "big") - 100 for address in operators)


def signed_vote(
    registry: Registry,
    number: int,
    kind: Kind,
    *,
    digest: bytes = b"\x01" * 32,
    epoch: int = 0,
    view: int = 7,
    parent_view: int = 6,
    domain: SigningDomain = DOMAIN,
) -> bytes:
    """Return a vote of the validator numbered so, as it is in the registry's set of `epoch`."""
    is_nullify = kind is Kind.NULLIFY
    statement = Statement(
        kind,
        Epoch(epoch),
        View(view),
        View(0 if is_nullify else parent_view),
        ZERO_HASH if is_nullify else Hash32(digest),
    )
    validators = registry.validators if epoch == registry.epoch else registry.former(epoch)
    signer = holder(number).signers[0]
    keys = [validator.consensus_key for validator in validators]
    index = ValidatorIndex(keys.index(bytes(signer.verify_key)))
    return encode_vote(Vote(statement, index, signer.sign(sign_bytes(domain, statement)).signature))
