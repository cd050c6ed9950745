"""m1, m5, m20, m100 and a forged m20: time by parts, heap, flash.

The total is that of a run with nothing wrapped; each part comes from a run of its own, on a board that has
just been switched on with the same flash. Stage is what lies before the commit, less verify and decode.
"""

from bench import content, trees
from bench.lab import OURS, Lab

NODES = 200
APPLIED = (None, 0, 0)  # no error, and every status is 200
WRONG_MAC = ("NotAuthentic", 67, 0)
# Octets of heap that are tried, up to 207 KB; each is 8 % above the one before.
HEAPS = [round(1024 * 1.08**i / 16) * 16 for i in range(70)]


def measure(sizes=content.SIZES, peaks=(20, 100)):
    """Return the figures of mN for each size, some with the heap needed at the peak, and of a forged m20."""
    octets, header = content.forged(20)
    forged = content.Case("forged", octets, header, "", "")
    with lab_for([*map(content.case, sizes), forged]) as lab:
        figures = {}
        for count in sizes:
            figures |= message(lab, content.case(count))
        for count in peaks:
            figures[f"m{count}.heap_needed"] = peak(lab, f"m{count}")
        return figures | {f"forged_m20.{key}": value for key, value in _forged(lab).items()}


def lab_for(cases):
    """Return a board with a tree of NODES, the messages of the cases, and what measures them."""
    files = {}
    for case in cases:
        files |= case.files
    scripts = [f"on_board/{name}.py" for name in ("ours", "scarce")]
    return Lab(OURS, *scripts, files=files, region=trees.of(NODES)[0])


def _expect(told, wanted):
    if told != wanted:
        raise AssertionError(f"the outcome is {told}, not {wanted}")


def _run(lab, what, name):
    lab.fresh("ours")
    return lab.run(f"ours.{what}({name!r})")


def message(lab, case):
    """Return the figures of one message, each with the name of the case before it."""
    name = case.name
    (total, received, told), result = _run(lab, "total", name)
    _expect(told, APPLIED)
    _expect(lab.ask(f"print(ours.client.get({case.where.encode()!r}))"), case.value.encode())
    ((allocated, kept), told), _ = _run(lab, "heap", name)
    _expect(told, APPLIED)
    verify, _ = _run(lab, "verify", name)
    (decode, decode_heap), _ = _run(lab, "decode", name)
    (before, commit, told), _ = _run(lab, "commit", name)
    _expect(told, APPLIED)
    figures = {
        "octets": len(case.octets),
        "receive_us": received,
        "verify_us": verify,
        "decode_us": decode,
        "stage_us": before - verify - decode,
        "commit_us": commit,
        "rest_us": total - received - before - commit,
        "total_us": total,
        "pages": result.pages,
        "erases": result.erases,
        "heap_allocated": allocated,
        "heap_kept": kept,
        "decode_heap": decode_heap,
    }
    return {f"{name}.{key}": value for key, value in figures.items()}


def _forged(lab):
    (total, received, told), result = _run(lab, "total", "forged")
    _expect(told, WRONG_MAC)
    ((allocated, kept), told), _ = _run(lab, "heap", "forged")
    _expect(told, WRONG_MAC)
    return {
        "receive_us": received,
        "total_us": total,
        "operations": result.operations,
        "heap_allocated": allocated,
        "heap_kept": kept,
    }


def peak(lab, name, modules=()):
    """Return the least heap, free and in one piece, with which the message of a name is applied.

    modules: what was imported by an earlier message of the kind, and stays.
    """
    low, high = 0, len(HEAPS) - 1  # it is applied with the last, not with the first
    while high - low > 1:
        middle = (low + high) // 2
        lab.fresh("scarce", *modules)
        if lab.ask(f"scarce.fits({name!r}, {HEAPS[middle]})"):
            high = middle
        else:
            low = middle
    return HEAPS[high]
