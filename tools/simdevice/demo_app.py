# What the simulated device manages: a lamp, the settings of a data logger, a restart. It shows
# what an application does with omadm; one for a board is firmware/app.py.
from micropython import const

_GET = const(8)
_GET_REPLACE = const(24)
_GET_EXEC = const(12)
_GET_ADD = const(9)


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


def setup(client, report):
    """Declare the nodes; every change and every Exec goes to report(event)."""
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

    client.on_change(b".", changed)
    client.on_exec(b"./Dev/Reboot", reboot)
