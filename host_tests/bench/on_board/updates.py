"""Runs on the board: look-ups in a tree, and message after message of one setting each.

What is printed is a Python literal. Times are microseconds, heap is octets.
"""

import gc

import ours
import signing
from omadm import uri

LOOKUPS = 100
FEW = 4  # messages from one collection to the next: it need never run inside one
STRIDE = 37  # so that neighbours in time are none in the tree


def name(number):
    """Address of a setting, as content.py has it."""
    return b"./App/Group%02d/P%02d" % (number // 20, number % 20)


def mount():
    """Print the time of a mount."""
    ours.start()
    client = ours.client
    gc.collect()
    began = ours.now()
    client.mount()
    print(ours.passed(began))


def index():
    """Print the heap of the packed index (with its undo log), and of the whole client with store and log."""
    gc.collect()
    empty = gc.mem_free()
    ours.start()
    ours.spool = None
    gc.collect()
    all_of_it = empty - gc.mem_free()
    store = ours.client.store
    kept = gc.mem_free()
    for part in ("keys", "locs", "flags", "undo"):
        setattr(store, part, None)
    gc.collect()
    print((gc.mem_free() - kept, all_of_it))


def find(settings):
    """Print the mean and longest time to find a node by its address, and the mean time to get a value."""
    ours.start()
    client = ours.client
    spent = longest = 0
    for i in range(LOOKUPS):
        where = uri.split(name(i * STRIDE % settings))[0]
        gc.collect()
        began = ours.now()
        nid = client.tree.find(where)
        took = ours.passed(began)
        if nid < 0:
            raise ValueError(where)
        spent += took
        longest = max(longest, took)
    values = 0
    for i in range(LOOKUPS):
        where = name(i * STRIDE % settings)
        gc.collect()
        began = ours.now()
        client.get(where)
        values += ours.passed(began)
    print((spent // LOOKUPS, longest, values // LOOKUPS))


def start():
    """Get ready for `run`."""
    global template, at_name, at_value
    template = signing.from_files("one")
    at_name = template.octets.find(name(0))
    at_value = template.octets.find(b"setting-00")


def run(first, count, settings):
    """Apply messages of one setting each, with housekeeping after each as long as there is some.

    Prints: time of all, of the longest, of housekeeping, of its longest step; erases and pages of the
    messages alone, and of all.
    """
    client = ours.client
    log = client.store.log
    octets = template.octets
    spent = longest = kept = step = 0
    erases = pages = 0
    at_first = log.erases, log.programs
    for number in range(first, first + count):
        where = name(number * STRIDE % settings)
        octets[at_name : at_name + len(where)] = where
        octets[at_value : at_value + 10] = b"%010d" % number
        message = template.next()
        before = log.erases, log.programs
        if number % FEW == 0:
            gc.collect()
        began = ours.now()
        message.receive()
        outcome = client.accept(message.push)
        took = ours.passed(began)
        if ours.verdict(outcome) != (None, 0, 0):
            raise ValueError(ours.verdict(outcome))
        spent += took
        longest = max(longest, took)
        erases += log.erases - before[0]
        pages += log.programs - before[1]
        more = True
        while more:
            began = ours.now()
            more = client.idle()
            took = ours.passed(began)
            kept += took
            step = max(step, took)
    print((spent, longest, kept, step, erases, pages, log.erases - at_first[0], log.programs - at_first[1]))


def count():
    """Print how many nodes there are."""
    print(sum([1 for nid in range(len(ours.client.store.flags)) if not ours.client.store.is_free(nid)]))
