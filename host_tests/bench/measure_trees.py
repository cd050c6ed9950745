"""Trees of 200 and 1,000 nodes: index, mount, look-up, and hundreds of messages of one setting each.

The erases of a long row of updates are counted by the flash chip, and divided by the number of updates. After
each message comes the housekeeping that the firmware does when it is idle, until there is none left.
"""

from bench import content, trees
from bench.lab import OURS, Lab

UPDATES = {200: 2000, 1000: 1000}
HALF = 1000  # figures are given after that many too
BATCH = 100  # messages in one call
SCRIPTS = [f"on_board/{name}.py" for name in ("ours", "signing", "updates")]


def measure(nodes):
    """Return the figures of one tree."""
    region, settings = trees.of(nodes)
    octets, secrets = content.template(1)
    files = {"one.bin": octets, "one.mac": secrets.encode()}
    with Lab(OURS, *SCRIPTS, files=files, region=region) as lab:
        figures = _still(lab, settings) | _updated(lab, nodes, settings)
    return {f"tree{nodes}.{key}": value for key, value in figures.items()}


def _ask(lab, code):
    lab.fresh("updates")
    return lab.ask(code)


def _still(lab, settings):
    index, client = _ask(lab, "updates.index()")
    mean, longest, value = _ask(lab, f"updates.find({settings})")
    return {
        "index_heap": index,
        "client_heap": client,
        "mount_us": _ask(lab, "updates.mount()"),
        "find_us": mean,
        "find_longest_us": longest,
        "get_us": value,
    }


def _updated(lab, nodes, settings):
    lab.fresh("updates")
    lab.board.exec("updates.start()")
    sums = [0] * 6
    longest = step = 0
    figures = {}
    for first in range(0, UPDATES[nodes], BATCH):
        told, result = lab.run(f"updates.run({first}, {BATCH}, {settings})")
        spent, slowest, kept, slowest_step, erases, pages, all_erases, all_pages = told
        if (all_erases, all_pages) != (result.erases, result.pages):
            raise AssertionError(f"the chip counted {result.erases, result.pages}, the log {told}")
        sums = [a + b for a, b in zip(sums, (spent, kept, erases, pages, all_erases, all_pages), strict=True)]
        longest, step = max(longest, slowest), max(step, slowest_step)
        done = first + BATCH
        if done in (HALF, UPDATES[nodes]):
            word = f"updates{done}"
            figures |= {f"{word}.{key}": value for key, value in _summary(sums, done, longest, step).items()}
    last = UPDATES[nodes] - 1
    where = content.name(last * 37 % settings).encode()
    value = lab.ask(f"print(updates.ours.client.get({where!r}))")
    if value != b"%010d" % last or lab.ask("updates.count()") != nodes:
        raise AssertionError(f"the tree is not what it should be: {where} is {value}")
    lab.again("updates")
    figures["mount_worn_us"] = lab.ask("updates.mount()")
    return figures


def _summary(sums, count, longest, step):
    spent, kept, erases, pages, all_erases, all_pages = sums
    return {
        "mean_us": round(spent / count),
        "longest_us": longest,
        "housekeeping_us": round(kept / count),
        "housekeeping_longest_us": step,
        "erases_in_messages": erases,
        "pages_in_messages": pages,
        "erases": all_erases,
        "pages": all_pages,
        "erases_each": round(all_erases / count, 4),
        "pages_each": round(all_pages / count, 4),
    }
