"""Flash images with a tree of a given number of nodes, made on the host by the device's own code."""

import tempfile
from pathlib import Path
from unittest import mock

from bench import content
from dmtool import image, provision

REGION = 256 * 1024
TIME = 1_700_000_000  # nothing in an image may depend on the day it is made
_ACCESS = 1 | 2 | 8 | 16  # Add, Delete, Get, Replace


def of(nodes):
    """Return (image, number of settings) of a tree with that many nodes: mandatory ones, groups, settings."""
    with tempfile.TemporaryDirectory() as place, mock.patch.object(image.time, "time", return_value=TIME):
        path = Path(place) / "flash.img"
        provision.provision(path, content.ACCOUNT, size=REGION)
        with image.open_image(path, writing=True) as opened:
            settings = _fill(opened, nodes)
        return path.read_bytes(), settings


def _fill(opened, nodes):
    count = sum(1 for _ in opened.tree.subtree(0)) + 1  # and App
    settings = 0
    rows = []
    while count < nodes:
        more = 2 if settings % content.GROUP == 0 else 1  # with its group, made on the way
        where, value = content.name(settings), content.old(settings)
        if count + more > nodes:
            more, where = 1, "./App/Filler"
        else:
            settings += 1
        count += more
        rows.append((where.encode(), b"chr", _ACCESS, value.encode()))
    for at in range(0, len(rows), 100):
        opened.client.declare(rows[at : at + 100], permanent=False)
        while opened.client.idle():
            pass
    found = sum(1 for _ in opened.tree.subtree(0))
    if found != nodes:
        raise AssertionError(f"a tree of {found} nodes, {nodes} were wanted")
    return settings
