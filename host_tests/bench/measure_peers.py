"""What omadm is held against, on stock firmware: settings in a JSON file, and decoders by themselves."""

from bench import content
from bench.lab import STOCK, Lab

KEYS = (100, 300)
SCRIPTS = ("on_board/theirs.py", "peers/json_settings.py", "peers/wbxml_tree.py")
UPDATES = 200  # messages of one setting each
BATCH = 100  # in one call


def measure():
    """Return the figures."""
    files = {"device.txt": content.ACCOUNT.device_id.encode(), "key.bin": content.JSON_KEY}
    figures = {}
    for count in content.SIZES:
        name = f"m{count}"
        files[f"{name}.bin"] = content.wbxml(count)[0]
        files[f"{name}.json"], files[f"{name}.json.mac"] = content.as_json(count)
        figures[f"json.{name}.octets"] = len(files[f"{name}.json"])
    with Lab(STOCK, *SCRIPTS, files=files) as lab:
        for keys in KEYS:
            lab.prepare(f"import theirs; theirs.make('set{keys}', {keys})")
        for count in content.SIZES:
            figures |= _decoders(lab, f"m{count}")
            for keys in KEYS:
                found = _message(lab, f"m{count}", keys)
                figures |= {f"json{keys}.m{count}.{key}": value for key, value in found.items()}
        for keys in KEYS:
            figures |= {f"json{keys}.updates.{key}": value for key, value in _updates(lab, keys).items()}
    return figures


def _decoders(lab, name):
    lab.fresh("theirs")
    figures = {}
    for decoder, found in lab.ask(f"theirs.decoders({name!r})").items():
        words = ("decode_us", "heap_allocated", "heap_kept", "walk_us")
        figures |= {f"{decoder}.{name}.{word}": value for word, value in zip(words, found, strict=False)}
    return figures


def _run(lab, what, name, keys):
    lab.fresh("theirs")
    lab.board.exec(f"theirs.start('set{keys}')")
    return lab.run(f"theirs.{what}({name!r})")


def _message(lab, name, keys):
    count = int(name[1:])
    total, result = _run(lab, "total", name, keys)
    value = lab.ask(f"print(repr(theirs.json.loads(theirs.read('set{keys}'))[{content.name(count - 1)!r}]))")
    if value != content.new(count - 1):
        raise AssertionError(f"the peer's file holds {value!r}")
    (allocated, kept), _ = _run(lab, "heap", name, keys)
    (verify, decode, stage, commit), _ = _run(lab, "parts", name, keys)
    return {
        "verify_us": verify,
        "decode_us": decode,
        "stage_us": stage,
        "commit_us": commit,
        "total_us": total,
        "pages": result.pages,
        "erases": result.erases,
        "heap_allocated": allocated,
        "heap_kept": kept,
    }


def _updates(lab, keys):
    lab.fresh("theirs")
    lab.board.exec(f"theirs.start('set{keys}')")
    spent = longest = pages = erases = 0
    for first in range(1, UPDATES + 1, BATCH):
        (took, worst), result = lab.run(f"theirs.series({first}, {BATCH})")
        spent += took
        longest = max(longest, worst)
        pages += result.pages
        erases += result.erases
    return {
        "count": UPDATES,
        "mean_us": round(spent / UPDATES),
        "longest_us": longest,
        "pages_each": round(pages / UPDATES, 3),
        "erases_each": round(erases / UPDATES, 3),
    }
