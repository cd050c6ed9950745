"""A peer: a reader of WBXML that makes a tree of the whole document, as most do, then finds the commands.

An element is a list: its tag (page << 6 | identity), then its children in order; text is bytes. Written for
speed within that design: one loop, lists in place of objects, strings found by `find`.
It checks what a reader must: header, string table, pages, nesting, every length.

Runs on the board and, for its own tests, under CPython.
"""


class Bad(Exception):
    """The document is none."""


def number(data, at):
    """Return (mb_u_int32, offset behind it)."""
    value = 0
    for i in range(at, at + 5):
        octet = data[i]
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, i + 1
    raise Bad("number")


def read(data):
    """Return the root element of a document."""
    if not 1 <= data[0] <= 3:
        raise Bad("version")
    public, at = number(data, 1)
    index = 0
    if not public:
        index, at = number(data, at)
    charset, at = number(data, at)
    length, at = number(data, at)
    table = data[at : at + length]
    at += length
    if public not in (0, 1, 0x1201) or charset != 106 or len(table) != length:
        raise Bad("header")
    if not public and table[index:].split(b"\0")[0] != b"-//SYNCML//DTD SyncML 1.2//EN":
        raise Bad("type")
    end = len(data)
    find = data.find
    page = 0
    node = top = []
    stack = []
    while at < end:
        token = data[at]
        at += 1
        if token == 1:  # END
            if not stack:
                raise Bad("end")
            node = stack.pop()
        elif token == 3:  # STR_I
            stop = find(b"\0", at)
            if stop < 0:
                raise Bad("string")
            node.append(data[at:stop])
            at = stop + 1
        elif token == 0:  # SWITCH_PAGE
            page = data[at] << 6
            at += 1
            if page > 0x80:
                raise Bad("page")
        elif token == 0xC3:  # OPAQUE
            length, at = number(data, at)
            if at + length > end:
                raise Bad("opaque")
            node.append(data[at : at + length])
            at += length
        elif token == 0x83:  # STR_T
            index, at = number(data, at)
            stop = table.find(b"\0", index)
            if index >= len(table):
                raise Bad("table")
            node.append(table[index:stop] if stop >= 0 else table[index:])
        elif token & 0x3F > 4 and token < 0x80:  # an element
            element = [page | token & 0x3F]
            node.append(element)
            if token & 0x40:
                stack.append(node)
                node = element
        else:
            raise Bad("token")
    if stack or len(top) != 1:
        raise Bad("nesting")
    return top[0]


SYNCML, BODY, ATOMIC, CMD_ID, ITEM = 0x2D, 0x2B, 0x08, 0x0B, 0x14
META, TARGET, LOC_URI, DATA = 0x1A, 0x2E, 0x17, 0x0F
FORMAT, TYPE = 0x47, 0x53  # of page 1
COMMANDS = (0x05, 0x20, 0x10, 0x11)  # Add, Replace, Delete, Exec


def child(element, tag):
    """Return the first child of that tag, or None."""
    for part in element:
        if isinstance(part, list) and part[0] == tag:
            return part
    return None


def text(element):
    """Return the text of an element, or None when there is none."""
    return element[1] if element is not None and len(element) > 1 else None


def commands(root):
    """Return (tag, CmdID, LocURI, Format, Type, Data) of each Item, those inside an Atomic too."""
    found = []
    body = child(root, BODY)
    if root[0] != SYNCML or body is None:
        raise Bad("message")
    for part in body:
        if isinstance(part, list):
            for command in part if part[0] == ATOMIC else (part,):
                if isinstance(command, list) and command[0] in COMMANDS:
                    cmd_id = text(child(command, CMD_ID))
                    for item in command:
                        if isinstance(item, list) and item[0] == ITEM:
                            target = child(item, TARGET)
                            meta = child(item, META)
                            found.append(
                                (
                                    command[0],
                                    cmd_id,
                                    text(child(target, LOC_URI)) if target else None,
                                    text(child(meta, FORMAT)) if meta else None,
                                    text(child(meta, TYPE)) if meta else None,
                                    text(child(item, DATA)),
                                )
                            )
    return found
