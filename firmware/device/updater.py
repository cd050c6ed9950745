# An updater for device/mo_fumo.py: fetches one file, proves it, and gives it to a function of yours.
# What runs only during an update is imported then.


class Updater:
    """A package becomes the file `path`, then install(path) puts it to use.

    install(path) -> 200 or None when done, else a result code of FUMO; it may move the file away.
    restart() is called when all is noted in flash: machine.reset, as a rule.
    """

    def __init__(self, path: str, install, restart=None, most: int = 1 << 20):
        self.path = path
        self.most = most  # octets
        self._install = install
        self._restart = restart

    async def download(self, url: str, sha256: bytes) -> int:
        """Fetch and prove the package."""
        from .http_fetch import fetch

        return await fetch(url, self.path, sha256, self.most)

    async def install(self) -> int:
        """Put it to use."""
        result = self._install(self.path)
        return 200 if result is None else result

    def discard(self) -> None:
        """Forget what was fetched."""
        from .http_fetch import remove

        remove(self.path)

    def restart(self) -> None:
        """Start anew with what was installed."""
        if self._restart:
            self._restart()
