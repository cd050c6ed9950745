"""The figures as tables for people."""

from bench import bars, content, ratchet
from rich.table import Table

MISSING = "-"
# In baseline.json but in no table: what another row implies.
UNSHOWN = (".pages_in_messages", ".decode_heap")
TOO_MUCH = "> heap"
# Rows of the table of messages: words, key.
OURS = (
    ("octets of the message", "octets"),
    ("receive and hash", "receive_us"),
    ("verify", "verify_us"),
    ("decode and dispatch", "decode_us"),
    ("stage", "stage_us"),
    ("commit", "commit_us"),
    ("rest: hooks, clean-up", "rest_us"),
    ("[bold]total[/bold]", "total_us"),
    ("flash pages", "pages"),
    ("flash erases", "erases"),
    ("heap allocated in all", "heap_allocated"),
    ("heap kept after it", "heap_kept"),
    ("heap in use at most, above idle", "heap_live"),
    ("heap needed, in one piece", "heap_needed"),
)
SIGNED = (
    ("octets of the message", "octets"),
    ("proof", "prove_us"),
    ("[bold]total[/bold]", "total_us"),
    ("heap of the proof, in one piece", "heap_needed"),
)
JSON = tuple(
    row for row in OURS if row[1] not in ("octets", "receive_us", "rest_us", "heap_live", "heap_needed")
)
DECODERS = (
    ("omadm: parse and dispatch", "m{}.decode_us"),
    ("omadm: heap allocated", "m{}.decode_heap"),
    ("json.loads (C)", "json_loads.m{}.decode_us"),
    ("json.loads: heap allocated", "json_loads.m{}.heap_allocated"),
    ("WBXML tree: read", "wbxml_tree.m{}.decode_us"),
    ("WBXML tree: find commands", "wbxml_tree.m{}.walk_us"),
    ("WBXML tree: heap allocated", "wbxml_tree.m{}.heap_allocated"),
)
TREE = (
    ("index, heap", "index_heap"),
    ("client, store and log, heap", "client_heap"),
    ("mount, after provisioning", "mount_us"),
    ("mount, after the updates", "mount_worn_us"),
    ("find a node", "find_us"),
    ("find a node, longest", "find_longest_us"),
    ("get a value by its address", "get_us"),
)
UPDATES = (
    ("a message", "mean_us"),
    ("a message, longest", "longest_us"),
    ("housekeeping after it", "housekeeping_us"),
    ("housekeeping, longest step", "housekeeping_longest_us"),
    ("erases outside housekeeping", "erases_in_messages"),
    ("erases", "erases"),
    ("erases a message", "erases_each"),
    ("pages", "pages"),
    ("pages a message", "pages_each"),
)
IMPORTS = (("time", "us"), ("heap", "heap"), ("octets", "octets"))


def value(figures, name):
    """Return a figure in words, with its unit."""
    if name not in figures:
        return MISSING
    found = figures[name]
    if found is None:
        return TOO_MUCH
    kind = ratchet.unit(name)
    if kind == "us":
        return f"{found / 1000:,.1f} ms"
    return f"{found:,} B" if kind == "octets" else f"{found:,}"


def _table(title, columns, words):
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    table.add_column(words)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _section(table, figures, rows, prefixes):
    """Rows of one contestant; those with no figure at all are left out."""
    for words, key in rows:
        names = [f"{prefix}{key}" for prefix in prefixes]
        if any(name in figures for name in names):
            table.add_row(words, *(value(figures, name) for name in names))
    table.add_section()


def messages(figures, sizes):
    """One Atomic of N Replace: omadm, and settings in a JSON file."""
    table = _table("One Atomic of N Replace", [f"m{n}" for n in sizes], "omadm, 200 nodes")
    _section(table, figures, OURS, [f"m{n}." for n in sizes])
    for keys in (100, 300):
        prefixes = [f"json{keys}.m{n}." for n in sizes]
        if f"{prefixes[0]}total_us" in figures:
            table.add_row(f"[italic]peer: JSON file, {keys} keys[/italic]")
            _section(table, figures, JSON, prefixes)
    return table


def objects(figures):
    """A whole object in one Add."""
    table = _table("A TNDS object of 300 nodes to the Inbox", ["WBXML, OPAQUE"], "")
    _section(table, figures, OURS, ["tnds300."])
    return table


def signed(figures):
    """Signed messages, in bytecode and with the native module."""
    ways = ("signed_hmac", "signed_rsa", "native_rsa", "native_ecdsa")
    columns = [f"{way.replace('signed_', '').replace('_', ', ')} m{n}" for way in ways for n in (20, 100)]
    table = _table("A signature over the whole message", columns, "")
    _section(table, figures, SIGNED, [f"{way}.m{n}." for way in ways for n in (20, 100)])
    return table


def decoders(figures, sizes):
    """Decoding by itself."""
    table = _table("Decoding alone", [f"m{n}" for n in sizes], "")
    for words, pattern in DECODERS:
        table.add_row(words, *(value(figures, pattern.format(n)) for n in sizes))
    return table


def imports(figures):
    """What importing costs."""
    ways = ("frozen", "mpy", "py")
    table = _table("Import of the client", ["frozen", ".mpy", ".py"], "")
    _section(table, figures, IMPORTS, [f"import.{way}." for way in ways])
    return table


def trees(figures):
    """Trees and updates."""
    columns = ["200 nodes", "1,000 nodes"]
    table = _table("Trees", columns, "")
    _section(table, figures, TREE, ["tree200.", "tree1000."])
    table.add_row("[italic]1,000 messages of one setting[/italic]")
    _section(table, figures, UPDATES, ["tree200.updates1000.", "tree1000.updates1000."])
    table.add_row("[italic]2,000 messages of one setting[/italic]")
    _section(table, figures, UPDATES, ["tree200.updates2000."])
    return table


def peers_updates(figures):
    """The same updates in a JSON file."""
    table = _table("Peer: messages of one setting to a JSON file", ["100 keys", "300 keys"], "")
    _section(table, figures, UPDATES, ["json100.updates.", "json300.updates."])
    return table


def forged(figures):
    """A forged message."""
    rows = (("receive and hash", "receive_us"), ("until it is refused", "total_us"),
            ("flash operations", "operations"), ("heap allocated", "heap_allocated"),
            ("heap kept after it", "heap_kept"))  # fmt: skip
    table = _table("Forged m20", [""], "")
    _section(table, figures, rows, ["forged_m20."])
    return table


def first_bars(figures):
    """The bars, red where they are not reached."""
    table = _table("First bars", ["figure", "at most", ""], "")
    for bar in bars.BARS:
        reached = bar.reached(figures)
        if reached is not None:
            limit = value({bar.figure: bar.limit}, bar.figure)
            style, word = ("green", "reached") if reached else ("red", "not reached")
            table.add_row(bar.text, f"[{style}]{value(figures, bar.figure)}", limit, f"[{style}]{word}")
    return table


def show(console, figures):
    """Print every table that has figures."""
    sizes = [n for n in content.SIZES if f"m{n}.total_us" in figures]
    made = [messages(figures, sizes), forged(figures)] if sizes else []
    if "tnds300.heap_live" in figures:
        made.append(objects(figures))
    if any(name.startswith(("signed_", "native_")) for name in figures):
        made.append(signed(figures))
    if "json_loads.m1.decode_us" in figures:
        made += [decoders(figures, sizes), peers_updates(figures)]
    if "import.frozen.us" in figures:
        made.append(imports(figures))
    if "tree200.mount_us" in figures:
        made.append(trees(figures))
    for table in [*made, first_bars(figures)]:
        console.print()
        console.print(table)
    console.print()
