"""A validator that breaks every rule its key allows it to break."""

from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.admission import Misbehaviour
from consensus.simplex.messages import (
    Kind,
    Proposal,
    Statement,
    decode_proposal,
    decode_vote,
    encode_proposal,
    encode_vote,
)
from tests.consensus.simplex.blocks import make_block, read_header
from tests.consensus.simplex.harness import Host, Message
from tests.consensus.simplex.keys import finalize, nullify, vote


class Equivocator(Host):
    """Proposes two blocks, notarizes and finalizes whatever it sees, and nullifies the same views."""

    def send_proposal(self, proposal: Proposal, body: bytes) -> None:
        """Show one half of the others one block and the other half another one."""
        statement = proposal.vote.statement
        facts = read_header(proposal.header)
        parent = self.facts(facts.parent_digest)
        twin = make_block(
            parent, epoch=facts.epoch, view=facts.view, timestamp_ms=facts.timestamp_ms + 1, transactions=()
        )
        twin_statement = Statement(
            Kind.NOTARIZE, statement.epoch, statement.view, statement.parent_view, twin.facts.digest
        )
        signed = vote(self.network.count, self.index, twin_statement)
        other = Proposal(signed, twin.header, 0, proposal.parent_certificate, proposal.nullifications)
        self.disk.blocks[twin.facts.digest] = twin
        for receiver in self.network.hosts:
            is_first_half = self.network.random.randrange(2) == 0
            shown, shown_body = (proposal, body) if is_first_half else (other, twin.body)
            self.network.send(self, receiver.index, ("proposal", encode_proposal(shown)))
            self.network.send(self, receiver.index, ("block", shown.header + shown_body))

    def receive(self, sender: Host, message: Message) -> None:
        kind, data = message
        if kind == "proposal":
            self.vote_for_everything(decode_proposal(data).vote.statement)
        elif kind == "vote":
            statement = decode_vote(data).statement
            if statement.kind is not Kind.NULLIFY:
                self.vote_for_everything(statement)
        try:
            super().receive(sender, message)
        except Misbehaviour:
            return

    def vote_for_everything(self, seen: Statement) -> None:
        choice = self.network.random.randrange(6)
        epoch, view, digest = Epoch(seen.epoch), View(seen.view), Hash32(seen.digest)
        said = [Statement(Kind.NOTARIZE, epoch, view, seen.parent_view, digest)]
        if choice < 3:
            said.append(finalize(view, seen.parent_view, digest, epoch=epoch))
        if choice in (2, 3):
            said.append(nullify(view, epoch=epoch))
        for statement in said:
            encoded = encode_vote(vote(self.network.count, self.index, statement))
            for receiver in self.network.hosts:
                if receiver is not self and self.network.random.randrange(2):
                    self.network.send(self, receiver.index, ("vote", encoded))
