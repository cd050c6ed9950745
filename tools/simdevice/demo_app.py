# What the simulated device manages: a lamp, the settings of a data logger, a restart, an update of
# its firmware. It shows what an application does with omadm; one for a board is firmware/app.py.
import os

from micropython import const

_GET = const(8)
_GET_REPLACE = const(24)
_GET_EXEC = const(12)
_GET_ADD = const(9)

# Where objects go that are sent to ./Inbox; as in board.py of a board.
MO_ROOTS = (
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn/NAP", b"", ()),
    (b"urn:oma:mo:oma-connmo-proxy:*", b"./Conn/Proxy", b"", ()),
    (b"urn:wfa:mo:hotspot2dot0-perprovidersubscription:*", b"./Wi-Fi", b"", ()),
    (b"urn:example:mo:valve:*", b"./App/Valves", b"", ()),
)


def _settings():
    # Twenty leaves, so that one Atomic can move the device to another site as a whole.
    # One text and not a table: on a 64 KiB heap a row of a table costs ten times its letters.
    text = (
        b"Net/Apn chr iot.example|Net/User chr |Net/Password chr |Net/Dns chr 192.0.2.53|"
        b"Net/Ntp chr ntp.example|Net/KeepAlive int 240|Mqtt/Host chr mqtt.example|"
        b"Mqtt/Port int 8883|Mqtt/Topic chr site/1/logger|Mqtt/Qos int 1|"
        b"Report/Interval int 900|Report/Battery bool true|Report/Retries int 3|"
        b"Sensor/Period int 60|Sensor/Low float -20.0|Sensor/High float 60.0|"
        b"Sensor/Unit chr C|Log/Level int 2|Log/Keep int 30|Site/Name chr Depot"
    )
    for row in text.split(b"|"):
        name, fmt, value = row.split(b" ")
        yield b"./App/" + name, fmt, _GET_REPLACE, value


def setup(client, report, image):
    """Declare the nodes; every change, every Exec and every step of an update goes to report(event)."""
    from device.mo_fumo import Fumo
    from device.updater import Updater

    client.declare(
        (
            (b"./Led/State", b"chr", _GET_REPLACE, b"off"),
            (b"./Dev/Reboot", b"null", _GET_EXEC, b""),
            (b"./App", b"node", _GET_ADD, b"", b"urn:example:mo:logger:1.0"),
        )
    )
    client.declare(_settings(), False)  # not permanent: a server may delete them

    def changed(uri, kind):
        report({"event": "change", "uri": uri.decode(), "kind": kind})

    def reboot(uri, data, correlator):
        report({"event": "exec", "uri": uri.decode(), "data": len(data), "status": 200})
        return 200

    def install(path):
        os.rename(path, image + ".installed")

    def step(state, result):
        report({"event": "update", "state": state, "result": result})

    Fumo(client, Updater(image + ".package", install), report=step)
    client.on_change(b".", changed)
    client.on_exec(b"./Dev/Reboot", reboot)
