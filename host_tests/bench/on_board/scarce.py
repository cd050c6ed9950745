"""Runs on the board: leaves only so much heap, in one piece, and nothing anywhere else.

So what a message needs at its peak is found by trying, whenever the collector may run.
"""

import gc

import ours

LARGEST = 65536
ROOM = 64  # large blocks of filling


def fill(octets):
    """Take all heap but that many octets in one piece; return what fills it.

    Takes nothing when there is no such piece.
    """
    gc.collect()
    try:
        reserve = bytearray(octets)
    except MemoryError:
        return None
    blocks = [None] * ROOM
    count = 0
    size = LARGEST
    while size >= 16 and count < ROOM:
        try:
            blocks[count] = bytearray(size)
            count += 1
        except MemoryError:
            size >>= 1
    chain = None
    try:
        while True:
            chain = (chain,)  # the smallest block there is
    except MemoryError:
        pass
    del reserve
    gc.collect()
    return blocks, chain


def fits(name, octets):
    """Print whether the message is applied with that much heap."""
    message = ours.from_files(name)
    applied = False
    filling = fill(octets)
    try:
        message.receive()
        applied = ours.client.accept(message.push).error is None
    except MemoryError:
        pass
    del filling
    gc.collect()
    print(applied)


def proves(name, octets):
    """Print whether the signature of the message is found right with that much heap."""
    from omadm.signature import Proof

    message = ours.from_files(name)
    message.receive()
    right = False
    filling = fill(octets)
    try:
        proof = Proof(ours.client.accounts, ours.spool.length)
        proof.parser.feed(ours.spool.buf, 0, ours.spool.length)
        right = proof.close() is not None
    except MemoryError:
        pass
    proof = None
    del filling
    gc.collect()
    print(right)
