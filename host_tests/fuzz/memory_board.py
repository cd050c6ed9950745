# Runs under MicroPython: one push after the other with ever more heap left, from nothing on.
#
#     micropython -X heapsize=256k memory_board.py ROOT [STEP]
#
# The heap is filled with objects of one block each until nothing is left, then k of them are let
# go, for every k (or each STEP-th) until the push has been applied many times in a row: so every
# allocation of accept() fails once. Then the heap is given back, and
#   - accept() has returned, applied or TooLarge;
#   - the tree is the old or the new one, in RAM and in flash alike;
#   - the replay pair says the same as the tree;
#   - the next push works, and no Exec ran twice.
# Prints one line per message; an exception says what went wrong.
import gc
import sys

root = sys.argv[1]
for part in (
    "/host_tests/pure",
    "/host_tests/fakes",
    "/build/mpy/pure",
    "/build/mpy/fakes",
    "/build/mpy/lib",
):
    sys.path.insert(0, root + part)

import messages as m  # noqa: E402
import test_client as device  # noqa: E402
import test_xmlenc as secret  # noqa: E402
from omadm.push import Push  # noqa: E402

TYPE = "application/vnd.syncml.dm+wbxml"
ENOUGH = 40  # pushes applied in a row
NUMBER = 999  # MsgID of the message


def fill(leave):
    """Take the whole heap but for `leave` blocks; returns what holds it."""
    chain = None
    try:
        while True:
            chain = (chain, None)
    except MemoryError:
        pass
    while leave:
        chain = chain[0]
        leave -= 1
    return chain


def look(d):
    """The tree and the replay pair of a device, in one number of octets."""
    import hashlib

    h = hashlib.sha256()
    tree = d.client.tree
    for nid in tree.subtree(0):
        h.update(tree.path(nid))
        h.update(tree.value(nid, 9999))
        for which in range(4):
            h.update(d.client.store.field(nid, which) + b"\0")
    account = d.client.accounts[0]
    return h.digest(), account.session, account.msg


def cases():
    """(name, octets of commands, Execs in it)"""
    blob = bytes(range(256)) * 6
    on = m.replace(1, b"./Led/State", b"on")
    undone = m.atomic(1, m.add(2, b"./A/B", b"1"), m.delete(3, b"./No"))
    run = m.execute(1, b"./Dev/Reboot", b"now") + m.execute(2, b"./Dev/Reboot", b"again")
    yield "replace", on, 0
    yield "adds", b"".join(m.add(i, b"./N/%d/x" % i, b"v%d" % i) for i in range(1, 30)), 0
    yield "atomic", m.atomic(4, m.add(2, b"./A/B", b"1"), on, m.delete(3, b"./Old")), 0
    yield "undone", undone + m.delete(4, b"./Old"), 0
    yield "exec", run, 2
    yield "base64", m.add(1, b"./B64", m.b64(blob), b"b64") + m.add(2, b"./Raw", blob, b"bin", raw=True), 0
    cipher = secret.cbc(secret.derived(1, NUMBER), b"s" * 500)
    sealed = m.add(1, b"./Sealed", secret.xml(cipher), b"xml", secret.MIME)
    yield "sealed", sealed + m.add(2, b"./Open", b"o"), 0
    yield "renamed", m.replace(1, b"./Old?prop=Name", b"N") + m.replace(2, b"./N?prop=ACL", b"Get=*"), 0
    yield "refused", on + m.get(2, b"./Led/State"), 0
    yield "compaction", on + m.replace(2, b"./Old/Leaf", b"n" * 1500), 0


def push(d, body, header):
    """One push into the device; header None: with a right proof."""
    d.spool.reset()
    d.spool.write(body)
    return Push("test", False, TYPE, 7, {"x-syncml-hmac": header}, d.spool)


def after(d, body, header, outcome, old, new, execs):
    """What must be true once there is heap again; returns whether the push was applied."""
    d.client.remount()
    seen = look(d)
    applied = seen == new
    assert applied or seen == old, "neither old nor new"
    assert outcome.error or applied, "said to be applied"
    ran = list(d.ran)
    assert applied or not ran, "ran without its commit"
    again = d.client.accept(push(d, body, header))
    assert (again.error == "NotAuthentic") if applied else (again.error is None), "the same push again"
    assert look(d) == new
    d.client.run_execs()
    ran = list(d.ran)
    d.boot()
    assert look(d) == new, "after a boot"
    d.client.run_execs()
    assert not d.ran
    assert not d.client.store.execs
    for one in ran:
        assert ran.count(one) == 1, "ran twice"
    if not applied:
        assert len(ran) == execs
    return applied


def busy(d):
    """A log so full of garbage that the next message has it compacted."""
    for i in range(6):
        d.send(m.add(1, b"./Fill%d" % i, b"f" * 900))
    i = 0
    image = bytearray(len(d.flash.data))
    while True:
        before = d.flash.erases
        image[:] = d.flash.data
        d.send(m.replace(1, b"./Old/Leaf", b"%d" % i * 500))
        i += 1
        if i > 20 and d.flash.erases - before > 1:
            return image


class Idle:
    """Housekeeping in place of a push."""

    def __init__(self, d):
        self.error = None
        d.client.idle()


def run(d, name, image, body, header, execs, step):
    """One case, with ever more heap; prints what became of it."""
    d.flash.data[:] = image
    d.boot()
    old = look(d)
    if body:
        refusal = d.client.accept(push(d, body, header)).error
        assert refusal == ("Malformed" if name == "refused" else None), refusal
    new = look(d)
    done = refused = late = k = 0
    while done < ENOUGH:
        d.flash.data[:] = image
        d.boot()
        d.client.idle()
        one = body and push(d, body, header)
        gc.collect()
        held = fill(k)
        try:
            outcome = d.client.accept(one) if one else Idle(d)
        except MemoryError:
            outcome = None
        del held
        gc.collect()
        try:
            assert outcome or not one, "accept() raised"
            if new == old:
                d.client.remount()
                assert look(d) == old
                d.boot()
                assert look(d) == old
                done += 1
            else:
                assert outcome.error in (None, "TooLarge"), outcome.error
                late += after(d, body, header, outcome, old, new, execs) and outcome.error is not None
                done = 0 if outcome.error else done + 1
        except Exception as problem:
            print(name, "with", k, "blocks left")
            raise problem
        if outcome:
            refused += outcome.error == "TooLarge"
        if new == old and k < step * 400:
            done = 0
        k += step
    # refused for want of heap, of them applied all the same, pushes
    print(name, refused, late, k // step)


def main():
    step = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    d = device.Device()
    d.send(m.add(1, b"./Old/Leaf", b"old", b"chr", b"text/x"))
    image = bytes(d.flash.data)
    full = busy(d)
    d.spool = type(d.spool)(4 * 1024)
    for name, commands, execs in cases():
        if name == "compaction":
            image = full
        body = m.message(1, NUMBER, commands)
        run(d, name, image, body, m.hmac_header(body), execs, step)
    run(d, "idle", full, b"", None, 0, step)


main()
