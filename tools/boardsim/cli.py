"""boardsim: a simulated RP2040 board on the command line.

Exit status: 0 ended as asked, 1 the board or the simulator failed (one line says why), 2 usage, 17 the
power was cut as --cut said.
"""

import argparse
import json
import os
import selectors
import signal
import sys
from pathlib import Path

from . import bridge
from .board import Board, Halted, PowerCut, Process, ScriptFailed
from .node import Unusable

CUT = 17
TORN = ("before", "half", "bits", "after")


def parser():
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="boardsim",
        description="A simulated RP2040 board: real firmware on an emulated chip with NOR flash.",
        epilog="`make firmware BOARD=RP2040_DM` builds a firmware. Needs Node.js 18 or newer.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--firmware", required=True, metavar="F", help="firmware image (.bin)")
    common.add_argument(
        "--flash", metavar="IMG", help="flash image of 2 MiB; made when it is not there, written at the end"
    )
    common.add_argument(
        "--cut", type=number, default=0, metavar="N", help="cut the power at flash operation N (from 1)"
    )
    common.add_argument(
        "--torn", choices=TORN, default="before", help="what that operation has done (default: nothing)"
    )
    common.add_argument(
        "--report",
        metavar="FILE",
        help="write time, instructions, flash operations and wear as JSON at the end",
    )
    run = commands.add_parser(
        "run",
        parents=[common],
        help="a board on a pty, until SIGTERM or Ctrl-C",
        description="Run a board until SIGTERM or Ctrl-C. Prints `REPL on PTY`: mpremote connect PTY.",
        epilog="Example: boardsim run --firmware build/firmware/RP2040_DM/firmware.bin --flash board.img "
        "--link /tmp/board",
    )
    run.add_argument(
        "--uart0",
        metavar="ADDR",
        help="UART0 on `pty`, on `PORT` or `HOST:PORT` (it listens), or to `socket://HOST:PORT` (it calls)",
    )
    run.add_argument(
        "--link", metavar="PATH", help="make PATH a symbolic link to the pty, so that its name stays the same"
    )
    run.set_defaults(do=do_run)
    execute = commands.add_parser(
        "exec",
        parents=[common],
        help="boot, run a script on the raw REPL, print what it printed",
        description="Boot, run a script on the raw REPL, print what it printed, and its cost to stderr.",
    )
    execute.add_argument("script", metavar="SCRIPT.py", help="the script; - is standard input")
    execute.add_argument(
        "--ms", type=number, default=60_000, help="longest simulated time it may take (default: 60000)"
    )
    execute.set_defaults(do=do_exec)
    return top


def number(text):
    """Return a count that is not negative."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def finish(options, call):
    """Write flash image and report."""
    if options.flash:
        call("save", path=os.path.abspath(options.flash))
    if options.report:
        Path(options.report).write_text(json.dumps(call("report"), indent=1) + "\n")


def do_exec(options):
    """Run one script and print its output."""
    code = sys.stdin.read() if options.script == "-" else Path(options.script).read_text()
    with Board(options.firmware, options.flash) as board:
        if options.cut:
            board.cut(options.cut, options.torn)
        try:
            result = board.boot().exec(code, ms=options.ms)
        finally:
            finish(options, board.call)
        sys.stdout.write(result.stdout)
        figures = ("micros", "instructions", "erases", "pages")
        print(json.dumps({name: getattr(result, name) for name in figures}), file=sys.stderr)
    return 0


class Ended(Exception):
    """A signal asked for the end."""


def ask_for_end(*_):
    raise Ended


def do_run(options):
    """Run the board on a pty until it is told to end."""
    selector = selectors.DefaultSelector()
    lines = [bridge.line(selector, "REPL", "pty")]
    if options.uart0:
        lines.append(bridge.line(selector, "UART0", options.uart0))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, ask_for_end)
    halted = None
    link = Path(options.link) if options.link else None
    process = start_with(lines)
    try:
        flash = options.flash and os.path.abspath(options.flash)
        process.call("load", firmware=os.path.abspath(options.firmware), flash=flash)
        if options.cut:
            process.call("cut", at=options.cut, torn=options.torn)
        process.call("boot", connect=False)
        process.call("live", uart=bool(options.uart0))
        if link:
            link.unlink(missing_ok=True)
            link.symlink_to(lines[0].address)
        for line in lines:
            print(f"{line.name} on {line.address}", flush=True)
        selector.register(process.process.stdout, selectors.EVENT_READ, None)
        try:
            while halted is None:
                event = turn(selector, process)
                if event and "boots" in event:
                    print(f"the board has reset itself; this is boot {event['boots']}", flush=True)
                else:
                    halted = event
        except Ended:
            process.call("stop")
        finish(options, process.call)
    finally:
        process.close()
        if link and link.is_symlink():
            link.unlink()
    if halted:
        raise (PowerCut if halted["halted"] == "cut" else Halted)(halted["text"], halted["halted"])
    return 0


def start_with(lines):
    """Start the simulator with the lines' sockets as its descriptors 3 and 4."""

    # Both are first moved out of the way, as one may already be 3 or 4.
    def place():
        high = [os.dup2(line.child.fileno(), 100 + i) for i, line in enumerate(lines)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
            os.close(fd)

    kept = tuple(3 + i for i in range(len(lines)))
    process = Process(preexec_fn=place, pass_fds=kept)
    for line in lines:
        line.child.close()
    return process


def turn(selector, process):
    """Wait for the next event; return what the simulator said: of a reset, of an end by itself, else None."""
    for key, mask in selector.select():
        if key.data is None:
            return process.answer(5)
        key.data(key.fileobj, mask)
    return None


def main(arguments=None):
    """Run one command."""
    options = parser().parse_args(arguments)
    try:
        return options.do(options)
    except ScriptFailed as problem:
        print(problem, end="", file=sys.stderr)
    except PowerCut as problem:
        print(f"boardsim: {problem}", file=sys.stderr)
        return CUT
    except (Unusable, Halted, ValueError, OSError) as problem:
        print(f"boardsim: {problem}", file=sys.stderr)
    except Ended:
        pass
    return 1


if __name__ == "__main__":
    sys.exit(main())
