# ./Inbox: where the device puts objects for which the server leaves the choice to it.
# OMA StdObj 1.2.1 7.1.3.4; Sessionless 5.5, 6.1.1 (R22, R39-R43, R45-R47); docs/profile.md P8.
#
# The board tells what it supports in client.mo_roots, a tuple of rows
#
#   (MO identifier, parent, name, versions)
#   (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn", b"", (b"1.0", b"1.1"))
#   (b"org.example/*/Valve", b"./Valves", b"Valve", ())
#
#   identifier   `*` stands for the version, major.minor; without one it is the whole identifier
#   parent       the interior node below which objects of this kind go; made when it misses
#   name         how they are called; b"": as the object says
#   versions     those that are supported; (): any
#
# Contract: Places chooses a place for each topmost node of an object before any of it is staged:
# none for an MO that no row takes, and none for a version older than another one in the object
# (R42, R43: skipped). A name that is taken gets a number, from 2 on (R39). CommandFailed:
# 413 for more than OBJECT_ROOTS, 414 for a name that does not fit.
# Non-goals: staging (subtree.py).

from . import uri
from .errors import CommandFailed
from .limits import MAX_SEG_LEN, OBJECT_ROOTS


class Places:
    """Where the topmost nodes of an object go."""

    def __init__(self, run, tops):
        self.tops = tops  # [NodeName, segments or None]
        self.turn = 0
        if len(tops) > OBJECT_ROOTS:
            raise CommandFailed(413)
        roots = run.client.mo_roots
        found = [_row(roots, mime or b"") for _, mime in tops]
        latest = [
            max([(0, 0)] + [version for other, version in found if other == k]) for k in range(len(roots))
        ]
        used = []
        for i in range(len(tops)):
            k, version = found[i]
            name = tops[i][0]
            tops[i][1] = None
            if k >= 0 and version == latest[k]:
                pattern, parent, fixed, _ = roots[k]
                above = uri.split(parent)[0]
                name = fixed or name or pattern.replace(b"/", b":").replace(b":*", b"").split(b":")[-1]
                if uri.split(name) != ([name], None):
                    raise CommandFailed(400)
                tops[i][1] = _free(run.tree, above, name, used)
                used.append(tops[i][1])

    def segments(self, name, path):
        """Where the next topmost node goes, or None; with a Path, one below an object of before."""
        if path is None:
            self.turn += 1
            return self.tops[self.turn - 1][1]
        below = uri.split(path)[0]
        if not name:
            raise CommandFailed(400)
        segments = self._of(below)
        return segments and segments + below[1:] + [name]

    def _of(self, below):
        # Where the object went whose name is the first of these, None when it was skipped.
        for name, segments in self.tops:
            if [name] == below[:1]:
                return segments
        raise CommandFailed(404)

    def follow(self, text):
        """(new text, segments it leads to) of a reference; segments None where it stays as it is."""
        if text.startswith(b"./Inbox/"):
            below = uri.split(text[8:])[0]
            segments = self._of(below)
            if not segments:
                raise CommandFailed(404)
            segments = segments + below[1:]
            return b"/".join([b"."] + segments), segments
        for name, segments in self.tops:
            if segments and name and name != segments[-1]:  # R39
                old = b"/".join([b"."] + segments[:-1] + [name])
                new = b"/".join([b"."] + segments)
                if text == name:
                    return segments[-1], segments
                if (text + b"/").startswith(old + b"/"):
                    text = new + text[len(old) :]
                    return text, uri.split(text)[0]
        return text, None


def _row(roots, mime):
    # (number of the row that takes this Type, (major, minor)); -1: none.
    for k in range(len(roots)):
        front, star, rear = roots[k][0].partition(b"*")
        if not star and mime == front:
            return k, (0, 0)
        if star and mime.startswith(front) and mime.endswith(rear):
            text = mime[len(front) : len(mime) - len(rear)]
            numbers = text.split(b".")
            if len(numbers) == 2 and numbers[0].isdigit() and numbers[1].isdigit():
                if not roots[k][3] or text in roots[k][3]:
                    return k, (int(numbers[0]), int(numbers[1]))
    return -1, (0, 0)


def _free(tree, above, name, used):
    # Segments of that name below `above` that nothing has.
    number = 1
    segments = above + [name]
    while tree.find(segments) >= 0 or segments in used:
        number += 1
        if number > 99:
            raise CommandFailed(418)
        segments = above + [str(name, "utf-8")[: MAX_SEG_LEN - 2].encode() + b"%d" % number]
    return segments
