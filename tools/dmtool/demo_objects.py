"""The chapters of the demo about whole objects and about a firmware update."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from .stage import ACCOUNT, IMAGE, Stage, statuses

_EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "uplink.xml"
_NAP = "MOID=urn:oma:mo:oma-connmo-nap:1.0"
_FUMO = "MOID=urn:oma:mo:oma-fumo:1.0"
_ENDS = (20, 80, 100)  # States in which an update does not go on


def objects(demo: Stage) -> None:
    """An object to the Inbox, and found again without knowing where it is."""
    demo.step(
        "An object to the Inbox",
        "An access point and a proxy that refers to it, as one TNDS object. The operator does not say where",
        "they belong: the device knows its places.",
    )
    demo.start()
    shutil.copy(_EXAMPLE, "uplink.xml")
    demo.command("tnds check uplink.xml")
    demo.command(f"compose --account {ACCOUNT} --output uplink.wbxml --tnds uplink.xml")
    demo.same("all of it is there, one status: 200", statuses(demo.push_file("uplink.wbxml")), [200])
    demo.same(
        "the access point is where its kind belongs", demo.value("./Conn/NAP/Field/NAPAddr"), "iot.example"
    )
    demo.same(
        "the proxy's reference ./Inbox/Field leads there",
        demo.value("./Conn/Proxy/FieldProxy/ConRef"),
        "./Conn/NAP/Field",
    )
    rights = str(demo.facts()["./Conn/NAP/Field"][4])
    demo.fact("its rights came inside the object", "Replace=com.example.dms" in rights, rights)
    demo.console.print("\n[bold]Virtual URI[/bold]: whatever it is called and wherever it lies")
    demo.command(
        f"compose --account {ACCOUNT} --output nap.wbxml --virtual '{_NAP}&NAPAddr=iot.example' "
        "replace NAPAddr=iot.north"
    )
    demo.same("one object matches, status 200", statuses(demo.push_file("nap.wbxml")), [200])
    demo.same("it has its new address", demo.value("./Conn/NAP/Field/NAPAddr"), "iot.north")


def update(demo: Stage) -> None:
    """A package that is what it should be, and one that is not."""
    demo.step(
        "A firmware update",
        "Where the package is and what its SHA-256 is come in one signed Sequence, with the Exec that starts",
        "it. The device fetches it over HTTP from a server that nobody trusts.",
    )
    package = secrets.token_bytes(100_000)
    installed = Path(f"{IMAGE}.installed")
    with _serving(package) as url:
        demo.console.print("[bold]Another package than the one announced[/bold]")
        steps = _run(demo, url, "00" * 32)
        demo.same("fetched, compared, refused: download failed (20), result 402", steps[-1], (20, 402))
        demo.fact("nothing was installed", not installed.exists())
        demo.console.print("\n[bold]The right one[/bold]")
        steps = _run(demo, url, hashlib.sha256(package).hexdigest())
        demo.same("downloading (30), updating (60), done (100)", [state for state, _ in steps], [30, 60, 100])
        demo.same("the result is 200", steps[-1][1], 200)
        demo.fact("the package was installed octet by octet", installed.read_bytes() == package)
    demo.same("State says so in the flash", demo.value("./FUMO/State"), "100")
    demo.stop()


def _run(demo: Stage, url: str, digest: str) -> list[tuple[int, int]]:
    mark = len(demo.running.events)
    demo.command(
        f"compose --account {ACCOUNT} --output update.wbxml --sequence --virtual {_FUMO} "
        f"replace DownloadAndUpdate/PkgURL={url} replace Ext/SHA256={digest} exec DownloadAndUpdate"
    )
    events = demo.push_file("update.wbxml")
    pushed = next(event for event in events if event["event"] == "push")
    demo.same("accepted (202)", [status for _, status in pushed["statuses"]], [200, 200, 202, 200])
    shown = len(demo.running.events)
    while not (steps := _steps(demo, mark)) or steps[-1][0] not in _ENDS:
        demo.running.wait_for("update")
    demo.report(shown)
    return steps


def _steps(demo: Stage, mark: int) -> list[tuple[int, int]]:
    return [(e["state"], e["result"]) for e in demo.running.events[mark:] if e["event"] == "update"]


@contextlib.contextmanager
def _serving(package: bytes) -> Iterator[str]:
    # One file over HTTP on loopback.
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(package)))
            self.end_headers()
            self.wfile.write(package)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/app.bin"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
