"""The power cut at every flash operation of ten messages, on the real firmware.

One run is recorded. A cut at one of its operations leaves what the record says
(tools/boardsim/js/flash.mjs), so each cut is: the flash as the cut left it, power on, and the tree that the
board then finds. It must be the one before or the one after the message that was being applied. For some,
the message is pushed again: then it must be the one after.
"""

import dmboard

SIZE = 8 * 4096  # the smallest region, and FILL leaves little of it blank: it wraps, and sectors are erased
FILL = 15  # messages before the ten
TORN = ("before", "half", "bits")
AGAIN = 5  # each fifth cut goes on with the message


def big(seed, size):
    """A value of that many characters."""
    return "".join(chr(97 + (seed * 7 + i * 11 + i // 26) % 26) for i in range(size))


def script():
    """Return the messages that fill the region, and the ten."""
    operator = dmboard.Operator()
    say = operator.message
    filler = [say("add" if i == 0 else "replace", f"./App/Fill={big(i, 1100)}") for i in range(FILL)]
    return filler, [
        say("add", "./App/One:int=1", "add", "./App/Name=first"),
        say(*(word for i in range(20) for word in ("add", f"./App/Set/n{i}:int={i}")), within="Atomic"),
        say("add", f"./App/Big={big(1, 700)}"),
        say("replace", "./App/One=2", "exec", "./App/Run=go"),
        say("replace", f"./App/Big={big(2, 900)}"),
        say("delete", "./App/Set/n3", "replace", "./App/Name=second"),
        say(
            *(word for i in range(4, 20) for word in ("replace", f"./App/Set/n{i}={i * 1000}")),
            within="Atomic",
        ),
        say("replace", f"./App/Big={big(3, 1300)}"),
        say("delete", "./App/Set", "delete", "./App/Nope", within="Atomic"),  # as a whole refused: 507
        say("replace", f"./App/Big={big(4, 1000)}", "add", "./App/Last=done"),
    ]


class Run:
    """The recorded run.

    states[i] is the tree before message i, ends[i] how many operations there were by then.
    """

    def __init__(self, firmware):
        self.chip = dmboard.start(firmware, SIZE)
        filler, self.messages = script()
        for message in filler:
            self.push(message)
        self.states = [self.dump()]
        self.ends = [0]
        self.chip.record()
        for message in self.messages:
            self.push(message)
            self.states.append(self.dump())
            self.ends.append(len(self.chip.recorded()))
        self.operations = self.chip.recorded()
        if len(set(self.states)) != len(self.states):
            raise AssertionError("every message must change something, or nothing is compared")

    def close(self):
        self.chip.close()

    def push(self, message):
        """Push one message, which must be taken, and let housekeeping end."""
        told = self.chip.exec(f"told({message.call()})\nwhile client.idle(): pass").stdout
        if not told.startswith("None"):
            raise AssertionError(f"a message was refused: {told}")

    def dump(self):
        """Return the tree and the replay pair as the board sees them: number of nodes and a hash."""
        return self.chip.exec("dump()").stdout

    def cuts(self, every=1):
        """Yield (index, torn) of each cut, or of each N-th."""
        every_one = [(index, torn) for index in range(len(self.operations)) for torn in TORN]
        every_one.append((len(self.operations) - 1, "after"))
        yield from every_one[::every]

    def message_at(self, index):
        """Return which message an operation belongs to."""
        return next(i for i, end in enumerate(self.ends[1:]) if index < end)

    def cut(self, index, torn, again=False):
        """Return what came out of one cut: old, new, or a text that says what else."""
        self.chip.rewind(index, torn)
        self.chip.boot()
        number = self.message_at(index)
        old, new = self.states[number], self.states[number + 1]
        try:
            dmboard.setup(self.chip, SIZE)
            found = self.dump()
            result = {old: "old", new: "new"}.get(found)
            if result is None:
                return f"neither the old nor the new tree: {found!r}"
            if again:
                told = self.chip.exec(f"told({self.messages[number].call()})").stdout
                if told.startswith("None") != (result == "old"):
                    return f"after the {result} tree the message again gave {told!r}"
                if self.dump() != new:
                    return "the message again did not lead to the new tree"
        except Exception as problem:
            return f"{type(problem).__name__}: {problem}"
        return result
