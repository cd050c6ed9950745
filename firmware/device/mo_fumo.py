# The firmware update object: OMA FUMO 1.0. One message brings address and hash of a package and
# starts the update; what became of it stands in State and Ext/Result, through resets.
#
#   ./FUMO                            Type urn:oma:mo:oma-fumo:1.0
#     PkgName, PkgVersion             for people
#     DownloadAndUpdate               Exec: starts it
#       PkgURL                        where the package is
#     State                           10 idle · 30 downloading · 20 download failed · 60 updating ·
#                                     80 update failed · 100 update done
#     Ext/SHA256                      of the package, 64 hexadecimal digits: without it nothing is fetched
#     Ext/Result                      result code of the last run, as FUMO numbers them; 0: none yet
#
# What does the work is the board's, an updater (updater.py is one):
#
#   async download(url, sha256: 32 octets) -> 200, or the result code of what failed
#   async install() -> 200 or a result code
#   discard()           forgets a package that was fetched
#   restart()           called last, when the new State lies in flash
#
# Contract: an Exec starts at most one run, and while one is on, another gets 417. After a reset in the
# middle the run is not taken up again: State says failed, Result 550. Every step is in flash before the
# next one begins; Result before State, so a State that ends a run has its Result beside it.
import asyncio
from binascii import unhexlify

from micropython import const
from omadm.errors import CommandFailed, StorageFailed

_GET = const(8)
_GET_EXEC = const(12)
_GET_REPLACE = const(24)
_INTERRUPTED = const(550)  # vendor's range: a reset came in between


class Fumo:
    """Firmware update by Exec; report(state, result) hears of every step."""

    def __init__(self, client, updater, root: bytes = b"./FUMO", report=None):
        self.client = client
        self.updater = updater
        self.report = report
        self.root = root
        self.task = None
        chars = b"chr"
        client.declare(
            (
                (root, b"node", _GET, b"", b"urn:oma:mo:oma-fumo:1.0", b""),
                (root + b"/PkgName", chars, _GET_REPLACE, b""),
                (root + b"/PkgVersion", chars, _GET_REPLACE, b""),
                (root + b"/DownloadAndUpdate", b"node", _GET_EXEC),
                (root + b"/DownloadAndUpdate/PkgURL", chars, _GET_REPLACE, b""),
                (root + b"/State", b"int", _GET, b"10"),
                (root + b"/Ext/SHA256", chars, _GET_REPLACE, b""),
                (root + b"/Ext/Result", b"int", _GET, b"0"),
            )
        )
        if self.state() in (30, 60):
            updater.discard()
            self._note(_INTERRUPTED, 20 if self.state() == 30 else 80)
        client.on_exec(root + b"/DownloadAndUpdate", self._start)

    def state(self) -> int:
        """Where it is, as FUMO numbers it."""
        return int(self.client.get(self.root + b"/State"))

    def _start(self, uri, data, correlator):
        # The handler of the Exec, after its commit. The work goes on behind it.
        if self.task:
            return 417
        self._note(0, 30)
        url = self.client.get(uri + b"/PkgURL")
        digest = self.client.get(self.root + b"/Ext/SHA256")
        self.task = asyncio.create_task(self._run(url, digest))
        return 202

    async def _run(self, url, digest):
        done = False
        try:
            result = await self._download(url, digest)
            if result != 200:
                self._note(result, 20)
                return
            self._note(0, 60)
            try:
                result = await self.updater.install()
            except Exception:
                result = 410
            done = result == 200
            if not done:
                self.updater.discard()
            self._note(result, 100 if done else 80)
        except (CommandFailed, StorageFailed):
            pass  # no room even for a digit: State is behind, and after a reset it says interrupted
        finally:
            self.task = None
        if done:
            self.updater.restart()

    async def _download(self, url, digest):
        try:
            octets = unhexlify(digest)
        except ValueError:
            octets = b""
        if len(octets) != 32:
            return 404  # nothing to check it against
        try:
            return await self.updater.download(url.decode(), octets)
        except Exception:
            return 400

    def _note(self, result, state):
        client = self.client
        client.set(self.root + b"/Ext/Result", b"%d" % result)
        client.set(self.root + b"/State", b"%d" % state)
        if self.report:
            self.report(state, result)
