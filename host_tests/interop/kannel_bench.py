"""Kannel on loopback: bearerbox with its AT driver at a simulated modem, push proxy, sendsms."""

import subprocess
import time
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
from conftest import need_tool
from modem_bench_device import wait
from simdevice_bench import free_port

SECONDS = 30.0
USER, PASSWORD = "initiator", "initiator-password"
PARTS = 30

_CONF = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
status-password = {password}
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
wapbox-port = {wapbox}
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 0

group = smsc
smsc = at
smsc-id = modem
modemtype = generic
device = rawtcp
host = 127.0.0.1
port = {modem}
my-number = {number}
validityperiod = 167

group = modems
id = generic
name = "any modem"
sendline-sleep = 20

group = wapbox
bearerbox-host = 127.0.0.1
log-file = "{folder}/wapbox.log"
log-level = 0
max-messages = {parts}

group = ppg
ppg-url = /wappush
ppg-port = {ppg}
ppg-allow-ip = 127.0.0.1
trusted-pi = true
users = 10
service-name = ppg

group = wap-push-user
wap-push-user = initiator
ppg-username = {user}
ppg-password = {password}
allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
global-sender = "{number}"
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 0

group = sms-service
keyword = default
text = ""

group = sendsms-user
username = {user}
password = {password}
concatenation = true
max-messages = {parts}
"""


class Kannel:
    """The three boxes; stopped by their process ids."""

    def __init__(self, folder: Path, modem: str, number: str) -> None:
        boxes = [need_tool(name, "kannel") for name in ("bearerbox", "wapbox", "smsbox")]
        self.folder = folder
        self.ppg, self.sendsms, self.admin = free_port(), free_port(), free_port()
        conf = folder / "kannel.conf"
        conf.write_text(
            _CONF.format(
                admin=self.admin,
                smsbox=free_port(),
                wapbox=free_port(),
                modem=modem.rpartition(":")[2],
                number=number,
                ppg=self.ppg,
                sendsms=self.sendsms,
                folder=folder,
                user=USER,
                password=PASSWORD,
                parts=PARTS,
            )
        )
        conf.chmod(0o600)
        self.processes = []
        try:
            for box in boxes:
                out = (folder / (Path(box).name + ".out")).open("wb")
                self.processes.append(
                    subprocess.Popen([box, str(conf)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
                )
                out.close()
                time.sleep(0.3)  # the others look for bearerbox once a few seconds
            wait(self._up, SECONDS)
        except BaseException:
            self.stop()
            raise

    def _up(self) -> bool:
        for process in self.processes:
            assert process.poll() is None, self.log()
        try:
            status = httpx.get(
                f"http://127.0.0.1:{self.admin}/status.txt", params={"password": PASSWORD}, timeout=5
            ).text
            httpx.get(f"http://127.0.0.1:{self.sendsms}/", timeout=5)
            httpx.get(f"http://127.0.0.1:{self.ppg}/", timeout=5)
        except httpx.HTTPError:
            return False
        return "(online" in status.partition("SMSC connections")[2]

    def log(self) -> str:
        """The ends of all logs."""
        found = []
        for path in sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out")):
            found.append(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}")
        return "\n".join(found)

    def push_sendsms(self, to: str, push: bytes) -> str:
        """A WSP push through smsbox; it splits."""
        udh = b"\x06\x05\x04\x0b\x84\x23\xf0"
        fields = f"username={USER}&password={PASSWORD}&to={quote_from_bytes(to.encode())}&coding=1"
        fields += f"&udh={quote_from_bytes(udh)}&text={quote_from_bytes(push)}"
        answer = httpx.get(f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms?{fields}", timeout=SECONDS)
        assert answer.status_code == 202, answer.text
        return answer.text

    def push_pap(self, to: str, message: bytes, hmac: str, push_id: str) -> str:
        """A message through the push proxy; it makes the WSP push. Returns its answer."""
        mark = "asdlfkjiurwghasf"
        address = f"WAPPUSH={to}/TYPE=PLMN@ppg.example"
        control = (
            '<?xml version="1.0"?><!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN" '
            '"http://www.wapforum.org/DTD/pap_1.0.dtd"><pap>'
            f'<push-message push-id="{push_id}"><address address-value="{address}"/>'
            '<quality-of-service delivery-method="unconfirmed" bearer="SMS" bearer-required="true" '
            'network="GSM" network-required="true"/></push-message></pap>'
        )
        body = (
            f"--{mark}\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--{mark}\r\n"
            "Content-Type: application/vnd.syncml.dm+wbxml\r\n"
            "X-Wap-Application-Id: x-wap-application:syncml.dm\r\n\r\n"
        ).encode()
        body += message + f"\r\n--{mark}--\r\n".encode()
        answer = httpx.post(
            f"http://127.0.0.1:{self.ppg}/wappush",
            params={"username": USER, "password": PASSWORD},
            headers={
                "Content-Type": f'multipart/related; boundary={mark}; type="application/xml"',
                # The proxy copies headers of this request into the push, and only these.
                "x-syncml-hmac": hmac,
            },
            content=body,
            timeout=SECONDS,
        )
        assert answer.status_code == 202, answer.text
        return answer.text

    def stop(self) -> None:
        """End all three."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
