"""Runs on the board: the peers, and a stopwatch on what each does with one message.

What is printed is a Python literal. Times are microseconds, heap is octets.
"""

import gc
import json
import time

import json_settings
import wbxml_tree

now = time.ticks_us


def passed(began):
    """Microseconds since `began`."""
    return time.ticks_diff(now(), began)


def read(path):
    """Return what a file holds."""
    with open(path, "rb") as f:
        return f.read()


class Stopwatch:
    """Time and heap of a call; the heap with the collector off, in a second call."""

    def __init__(self, call, *arguments):
        gc.collect()
        began = now()
        call(*arguments)
        self.time = passed(began)
        gc.collect()
        before = gc.mem_free()
        gc.disable()
        try:
            self.result = call(*arguments)
            self.allocated = before - gc.mem_free()
            gc.enable()
            gc.collect()
            self.kept = before - gc.mem_free()
            self.result = None
        except MemoryError:
            self.allocated = self.kept = None
            gc.enable()


def decoders(name):
    """Print (time, allocated, kept) of each decoder, and the time to find the commands in the tree."""
    octets = read(name + ".json")
    watch = Stopwatch(json.loads, octets)
    rows = {"json_loads": (watch.time, watch.allocated, watch.kept)}
    octets = read(name + ".bin")
    try:
        watch = Stopwatch(wbxml_tree.read, octets)
        tree = wbxml_tree.read(octets)
        gc.collect()
        began = now()
        wbxml_tree.commands(tree)
        rows["wbxml_tree"] = (watch.time, watch.allocated, watch.kept, passed(began))
    except MemoryError:
        rows["wbxml_tree"] = None
    print(rows)


def make(path, count):
    """Write a settings file with that many of the settings of content.py."""
    known = {"last": [0, 0]}
    for number in range(count):
        known[f"./App/Group{number // 20:02d}/P{number % 20:02d}"] = f"before--{number % 100:02d}"
    with open(path, "w") as f:
        f.write(json.dumps(known))


def start(path):
    """Open the settings; device.txt and key.bin say whose they are."""
    global settings
    settings = json_settings.Settings(path, read("device.txt").decode(), read("key.bin"))


def message(name):
    """Return octets and MAC of the message of a name."""
    return read(name + ".json"), read(name + ".json.mac")


def total(name):
    """The whole of one message, nothing wrapped; and a setting afterwards."""
    body, mac = message(name)
    gc.collect()
    began = now()
    settings.accept(body, mac)
    print(passed(began))


def heap(name):
    """Octets allocated by one message with the collector off (None: more than there are)."""
    body, mac = message(name)
    gc.collect()
    before = gc.mem_free()
    gc.disable()
    try:
        settings.accept(body, mac)
        allocated = before - gc.mem_free()
    except MemoryError:
        allocated = None
    gc.enable()
    gc.collect()
    print((allocated, max(0, before - gc.mem_free())))


def parts(name):
    """Each step by itself: verify, decode, stage, commit."""
    body, mac = message(name)
    gc.collect()
    began = now()
    settings.verify(body, mac)
    verify = passed(began)
    gc.collect()
    began = now()
    content = json.loads(body)
    decode = passed(began)
    gc.collect()
    began = now()
    changes = settings.stage(content)
    stage = passed(began)
    gc.collect()
    began = now()
    settings.commit(changes)
    print((verify, decode, stage, passed(began)))


def series(first, count):
    """Apply messages of one setting each; print (time of all, longest)."""
    known = [uri for uri in settings.all if uri != "last"]
    content = json.loads(read("m1.json"))
    content["session"] = 2
    command = content["atomic"][0]
    spent = longest = 0
    for number in range(first, first + count):
        content["msg"] = number
        command["uri"] = known[number * 37 % len(known)]
        command["data"] = f"update-{number % 1000:03d}"
        body = json.dumps(content).encode()
        mac = settings.mac(body)
        gc.collect()
        began = now()
        settings.accept(body, mac)
        took = passed(began)
        spent += took
        longest = max(longest, took)
    print((spent, longest))
