"""A TNDS object of 300 nodes to ./Inbox: time, flash, and the heap it takes to apply it.

Each node but the folders has Format, Type and a value, as files of operators have them; the object is
WBXML in an OPAQUE, made by dmtool. `heap_needed` is found by trying, as with other messages: so much in one
piece, and nothing anywhere else. What is in use when nothing is going on (spool, index) is not counted.
"""

import dataclasses

from bench import content
from bench.measure_messages import APPLIED, lab_for, peak
from dmtool import compose, tnds, tnds_encode
from dmtool.commands import address

NODES = 300
MODULES = ("omadm.objects", "omadm.inbox")  # frozen: what stays of their first import is some 3 KB
NAME = f"tnds{NODES}"


def measure():
    """Return the figures of the object."""
    one = case()
    with lab_for([one]) as lab:
        lab.fresh("ours")
        (total, received, told), result = lab.run(f"ours.total({NAME!r})")
        if told != APPLIED:
            raise AssertionError(f"the outcome is {told}")
        if lab.ask(f"print(ours.client.get({one.where.encode()!r}))") != one.value.encode():
            raise AssertionError(f"{one.where} is not there")
        lab.fresh("ours", *MODULES)
        (live, told), _ = lab.run(f"ours.live({NAME!r})")
        if told != APPLIED:
            raise AssertionError(f"the outcome is {told}")
        figures = {
            "heap_live": live,
            "octets": len(one.octets),
            "receive_us": received,
            "total_us": total,
            "pages": result.pages,
            "erases": result.erases,
            "heap_needed": peak(lab, NAME, MODULES),
        }
    return {f"{NAME}.{key}": value for key, value in figures.items()}


def case():
    """Return the message."""
    folders = []
    leaves = NODES - 1  # without root and folders
    while leaves + -(-leaves // content.GROUP) + 1 > NODES:
        leaves -= 1
    for first in range(0, leaves, content.GROUP):
        inside = [
            _node(
                f"P{n % content.GROUP:02d}",
                "chr",
                "<MIME>text/plain</MIME>",
                f"<Value>{content.new(n)}</Value>",
            )
            for n in range(first, min(first + content.GROUP, leaves))
        ]
        folders.append(_node(f"Group{first // content.GROUP:02d}", "node", "<DDFName/>", "".join(inside)))
    root = _node("Net", "node", "<DDFName>urn:oma:mo:oma-connmo-nap:1.0</DDFName>", "".join(folders))
    text = f'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>{root}</MgmtTree>'
    tree = tnds.parse(NAME, text.encode())
    if len(tnds.rows(tree)) != NODES:
        raise AssertionError(f"{len(tnds.rows(tree))} nodes, {NODES} are wanted")
    command = tnds_encode.command("Add", address("./Inbox", None), tree, "opaque")
    account = dataclasses.replace(content.ACCOUNT, msg_id=1)
    octets = compose.build(account, compose.prepare([command]))
    last = f"Group{(leaves - 1) // content.GROUP:02d}/P{(leaves - 1) % content.GROUP:02d}"
    return content.Case(
        NAME, octets, account.header(octets), f"./Conn/NAP/Net/{last}", content.new(leaves - 1)
    )


def _node(name, fmt, kind, inside):
    return (
        f"<Node><NodeName>{name}</NodeName><RTProperties><Format><{fmt}/></Format><Type>{kind}</Type></RTProperties>"
        f"{inside}</Node>"
    )
