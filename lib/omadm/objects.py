# An Item whose Data is a TNDS object, from its octets to the staged sub-tree.
# OMA TNDS 1.2.1, RepPro 1.2.1; Sessionless 5.2, 6.1 (R21, R46, R48); docs/profile.md P8.
#
#   Item ─ _find ─ tnds.read ─ Survey                  how much is it, what is in it
#                └ tnds.read ─ subtree.Stager          node by node into the transaction
#
# Contract: apply() stages a whole object, or raises CommandFailed and the executor rolls back what
# it did. The object is read twice: first to count, so that the heap grows once and not by bits.
# Bounds: OBJECT_NODES, OBJECT_ROOTS; whatever the octets are, they are looked at four times at most.

from micropython import const

from . import tnds
from .errors import CommandFailed
from .limits import OBJECT_NODES, OBJECT_ROOTS
from .store import is_dmacc
from .subtree import Stager

_ADD = const(5)
_REPLACE = const(0x20)
_WHOLE = const(200)
_NOTHING = const(204)  # all of the object was skipped
_PARTIAL = const(206)  # some of it was


class Survey:
    """First pass: how many nodes, how many octets of texts, and what the topmost ones are."""

    def __init__(self):
        self.nodes = self.texts = 0
        self.tops = []  # [NodeName, Type]
        self.held = -1  # octets of the one piece there is of a Value; -1: none yet

    def value(self, buf, off, end, at):
        """Values stay where they are; only what lies in pieces is put together elsewhere."""
        n = end - off
        if self.held >= 0 or at < 0:
            self.texts += n + max(self.held, 0)
            n = 0
        self.held = n

    def leave(self, level):
        """Nor does it matter where a node ends."""

    def node(self, level, reader):
        """One node more."""
        self.held = -1
        self.nodes += 1
        if self.nodes > OBJECT_NODES:
            raise CommandFailed(413)
        if is_dmacc(reader.mime or b""):
            raise CommandFailed(405)  # R45, wherever it stands
        for text in (reader.name, reader.acl, reader.title, reader.mime):
            if text and text != b"text/plain":
                self.texts += len(text)
        if level == 1 and reader.path is None and len(self.tops) <= OBJECT_ROOTS:
            self.tops.append([reader.name, reader.mime])


def apply(run, tag, segments, prop, item) -> int:
    """Stage the object of an Add or Replace; returns 200, or 204, 206 where parts were skipped."""
    txn = run.txn
    n = item.data_len
    where = item.inline
    table = None
    if prop:
        raise CommandFailed(405)
    if tag != _ADD and tag != _REPLACE or where >= 0 and n:
        raise CommandFailed(415)
    if where >= 0:
        table = item.table
        n = len(txn.source) - where
    else:
        if item.size != n and item.size >= 0:
            raise CommandFailed(424)
        where, n = _find(txn, run.where(item), n)
    # Before anything else gets in the way: as many nodes as it seems, each with a short name.
    memory = txn.memory(where)
    at = where & 0xFFFFFF
    mark = b"<Node>" if table is None and memory[at] > 3 else b"\x66\x03"
    count = min(memory.count(mark, at, at + n), OBJECT_NODES)
    txn.reserve(count, 8 * count)
    survey = Survey()
    tnds.read(txn.memory(where), where, n, survey, table)
    if not survey.nodes:
        raise CommandFailed(400)
    places = None
    if segments and segments[0] == b"Inbox":
        from .inbox import Places

        if not run.may(run.tree.resolve(segments)[0], b"Add"):
            raise CommandFailed(425)
        places = Places(run, survey.tops)
    texts = survey.texts
    if tag == _REPLACE:  # nodes that stay keep what the object does not say
        top, depth, _ = run.tree.resolve(segments)
        for nid in run.tree.subtree(top) if depth == len(segments) else ():
            texts += sum(run.tree.store.fixed(nid)[12:16])
    txn.reserve(survey.nodes, texts)
    store = run.tree.store
    store.grow(max(0, survey.nodes + 16 - store.keys.count(b"\xff\xff\xff\xff")))
    stager = Stager(run, segments, tag == _REPLACE, places)
    # What is signed is XML: there tokens of it that are octets, and text of these octets, are the same.
    tnds.read(txn.memory(where), where, n, stager, table, run.proved)
    for segments in stager.references:
        if run.tree.find(segments) < 0:
            raise CommandFailed(404)
    if not stager.skipped:
        return _WHOLE
    return _PARTIAL if stager.staged else _NOTHING


def _find(txn, where, n):
    # (where, octets) of a document or text; out of base64 when need be. White space may come first.
    for _ in range(2):
        memory = txn.memory(where)
        while n:
            c = memory[where & 0xFFFFFF]
            if c <= 3 and c or c == 0x3C or c == 0xEF:
                return where, n
            if c > 32:
                break
            where += 1
            n -= 1
        try:
            n = txn.decode(where, n)
        except ValueError:
            break
    raise CommandFailed(415)
