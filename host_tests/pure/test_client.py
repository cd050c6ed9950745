# One push in, one outcome out: the rules of the standard seen from outside.
# heapsize=384k: the flash image is in RAM here

import messages as m
from check import row
from norflash import NorFlash
from omadm.client import Client
from omadm.pagelog import PageLog
from omadm.push import Push
from omadm.spool import Spool
from omadm.store import Store

GET = 8
GET_REPLACE = 24
ALL = 31


def account(name, server, user, key, nonce):
    x = b"./DMAcc/" + name
    return [
        (x, b"node", GET, b"", b"urn:oma:mo:oma-dm-dmacc:1.1"),
        (x + b"/AppID", b"chr", GET, b"w7"),
        (x + b"/ServerID", b"chr", GET, server),
        (x + b"/AppAuth/S/AAuthLevel", b"chr", GET, b"SRVCRED"),
        (x + b"/AppAuth/S/AAuthType", b"chr", GET, b"HMAC"),
        (x + b"/AppAuth/S/AAuthName", b"chr", GET, user),
        (x + b"/AppAuth/S/AAuthSecret", b"chr", 0, key),
        (x + b"/AppAuth/S/AAuthData", b"bin", 0, nonce),
    ]


class Device:
    """A device with one account, a few nodes and a spool."""

    def __init__(self, sectors=8):
        self.flash = NorFlash(sectors)
        self.spool = Spool(8 * 1024)
        self.boot()
        self.client.declare(
            [
                (b"./DevInfo/DevId", b"chr", GET, m.DEVICE),
                (b"./DMAcc", b"node", GET),
                (b"./Inbox", b"node", GET),
                (b"./Led/State", b"chr", GET_REPLACE, b"off", b"", b""),
                (b"./Dev/Reboot", b"null", 4 | GET),
            ]
            + account(b"Acme", m.SERVER, m.USER, m.KEY, m.NONCE)
        )
        self.client.set_acl(
            b".", b"Add=*&Delete=" + m.SERVER + b"&Exec=" + m.SERVER + b"&Get=*&Replace=" + m.SERVER
        )
        self.msg = 0

    def boot(self):
        self.heard = []
        self.ran = []
        self.client = Client(Store(PageLog(self.flash)))
        self.client.mount()
        self.client.on_change(b".", lambda uri, kind: self.heard.append((uri, kind)))
        self.client.on_exec(
            b"./Dev/Reboot", lambda uri, data, correlator: self.ran.append((data, correlator))
        )

    def push(self, body, header=None, content_type="application/vnd.syncml.dm+wbxml", app_id=7):
        self.spool.reset()
        self.spool.write(body)
        headers = {"x-syncml-hmac": m.hmac_header(body) if header is None else header}
        before = self.flash.programs + self.flash.erases
        outcome = self.client.accept(Push("test", False, content_type, app_id, headers, self.spool))
        self.flash_operations = self.flash.programs + self.flash.erases - before
        return outcome

    def send(self, *commands, **kwargs):
        self.msg += 1
        outcome = self.push(m.message(1, self.msg, *commands, **kwargs))
        self.statuses = [status for _, status in outcome.statuses]
        return outcome

    def get(self, uri):
        return self.client.get(uri)


def applied(outcome):
    assert outcome.error is None, (outcome.error, outcome.code)


@row("R01", "R04", "R17", "R27", "R44")
def test_replace_takes_effect_and_survives_a_reset():
    d = Device()
    applied(d.send(m.replace(1, b"./Led/State", b"on")))
    assert d.statuses == [200], d.statuses
    assert d.get(b"./Led/State") == b"on"
    assert d.heard == [(b"./Led/State", "replace")]
    d.boot()
    assert d.get(b"./Led/State") == b"on"


@row("R07")
def test_a_replayed_push_is_refused_without_flash_operation():
    d = Device()
    body = m.message(1, 5, m.replace(1, b"./Led/State", b"on"))
    applied(d.push(body))
    for _ in range(2):
        outcome = d.push(body)
        assert (outcome.error, outcome.code) == ("NotAuthentic", 76)
        assert d.flash_operations == 0
        d.boot()
    outcome = d.push(m.message(1, 4, m.replace(1, b"./Led/State", b"off")))
    assert (outcome.error, outcome.code) == ("NotAuthentic", 76)
    assert d.get(b"./Led/State") == b"on"


@row("R04", "R28", "R38", negative=True)
def test_every_flipped_bit_is_refused_above_the_trust_line():
    d = Device()
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    header = m.hmac_header(body)
    for i in range(0, len(body) * 8, 7):
        bad = bytearray(body)
        bad[i >> 3] ^= 1 << (i & 7)
        outcome = d.push(bytes(bad), header)
        assert (outcome.error, outcome.code) == ("NotAuthentic", 67)
        assert d.flash_operations == 0
    applied(d.push(body, header))


@row("R04", "R08", "R09", "R10", "R15", "R16", "R17", "R28", "R30", "R37", negative=True)
def test_refusals_of_whole_messages():
    d = Device()
    on = m.replace(1, b"./Led/State", b"on")
    for commands, kwargs in (
        ((on, m.get(2, b"./Led/State")), {}),  # R16
        ((on, m.sequence(2, m.get(3, b"./Led/State"))), {}),
        ((on,), {"final": False}),  # R15
        ((on,), {"target": b"urn:dev:mac:ffffffffffff"}),  # R08
        ((on,), {"source": b"com.example.other"}),  # R09, R37
        ((on,), {"cred": b"wrong"}),  # R10
        ((on,), {"version": b"\x00"}),  # R17
    ):
        outcome = d.send(*commands, **kwargs)
        assert outcome.error in ("Malformed", "NotAuthentic"), (commands, kwargs)
        assert d.flash_operations == 0
        assert d.get(b"./Led/State") == b"off"
        assert d.heard == []
        d.msg = 0
    assert d.push(m.message(1, 1, on), header="").code == 60  # no proof
    assert d.push(m.message(1, 1, on), content_type="text/plain").error == "Malformed"
    assert d.push(m.message(1, 1, on), app_id=4).error == "Malformed"
    applied(d.send(on))


@row("R34", negative=True)
def test_two_accounts_with_one_server_id_refuse_the_message():  # R34
    d = Device()
    d.client.declare(account(b"Twin", m.SERVER, b"twin", m.KEY, m.NONCE))
    outcome = d.send(m.replace(1, b"./Led/State", b"on"))
    assert (outcome.error, outcome.code, d.flash_operations) == ("NotAuthentic", 79, 0)


@row("R49")
@row("R45", "R47", negative=True)
def test_add_leaf_interior_and_missing_parents():
    d = Device()
    applied(d.send(m.add(1, b"./App/Log/Level", b"3", b"int"), m.add(2, b"./App/Net", None, b"node")))
    assert d.statuses == [200, 200]
    assert d.get(b"./App/Log/Level") == b"3"
    applied(
        d.send(
            m.add(1, b"./App/Log/Level", b"4", b"int"),
            m.add(2, b"./App/Log/Level/Deep", b"x"),
            m.add(3, b"./App/Net/Bad", b"x", b"int"),
            m.add(4, b"./App/Net/Bad", b"x", b"what"),
            m.add(5, b"./DMAcc/Evil", b"x"),
            m.add(6, b"./Inbox/X", b"x"),
            m.add(7, b"./App/Evil", None, b"node", b"urn:oma:mo:oma-dm-dmacc:1.0"),
            m.add(8, b"./App/" + b"x" * 33, b"x"),
        )
    )
    assert d.statuses == [418, 405, 415, 415, 405, 405, 405, 414], d.statuses
    d.boot()
    assert d.get(b"./App/Log/Level") == b"3"
    assert d.get(b"./App/Net/Bad") is None


@row("R45", negative=True)
def test_nothing_reaches_below_a_dmacc():  # R45
    d = Device()
    s = b"./DMAcc/Acme/AppAuth/S/AAuthSecret"
    applied(
        d.send(
            m.replace(1, s, b"x"),
            m.delete(2, b"./DMAcc/Acme"),
            m.delete(3, b"./DMAcc"),
            m.replace(4, s + b"?prop=Name", b"x"),
            m.replace(5, b"./DMAcc?prop=Name", b"X"),
            m.add(6, b"./DMAcc/Acme/New", b"x"),
            m.replace(7, b"./DMAcc/Acme?prop=ACL", b"Get=*"),
            m.execute(8, b"./DMAcc/Acme/ServerID"),
            m.delete(9, b"./DMAcc/Acme/Gone"),
        )
    )
    assert d.statuses == [405] * 9, d.statuses


def test_atomic_is_all_or_nothing():
    d = Device()
    applied(d.send(m.atomic(1, m.add(2, b"./A/B", b"1"), m.replace(3, b"./Led/State", b"on"))))
    assert d.statuses == [200, 200, 200]
    d.heard.clear()
    applied(
        d.send(
            m.atomic(
                1, m.replace(2, b"./A/B", b"2"), m.delete(3, b"./No"), m.replace(4, b"./Led/State", b"off")
            ),
            m.add(5, b"./C", b"c"),
        )
    )
    assert d.statuses == [216, 404, 215, 507, 200], d.statuses
    assert d.get(b"./A/B") == b"1"
    assert d.get(b"./Led/State") == b"on"
    assert d.get(b"./C") == b"c"
    assert d.heard == [(b"./C", "add")]


def test_names_that_are_none():
    d = Device()
    names = (b"", b".", b"a/b", b"a?prop=ACL", b"a?b", b"\x01", b"\xff", b"s" * 33, b"B", b"a b")
    commands = [m.replace(i + 3, b"./A/C?prop=Name", name) for i, name in enumerate(names)]
    applied(d.send(m.add(1, b"./A/B", b"1"), m.add(2, b"./A/C", b"2"), *commands))
    assert d.statuses == [200, 200] + 7 * [400] + [414, 418, 200], d.statuses
    assert d.get(b"./A/a b") == b"2"


@row("R44")
def test_commands_see_what_came_before_them():
    d = Device()
    applied(
        d.send(
            m.add(1, b"./A", None, b"node"),
            m.add(2, b"./A/B", b"1"),
            m.replace(3, b"./A/B", b"22"),
            m.replace(4, b"./A/B?prop=Name", b"C"),
            m.replace(5, b"./A/C?prop=Title", b"t"),
            m.delete(6, b"./A/B"),
            m.add(7, b"./A/D", b"x"),
            m.delete(8, b"./A/D"),
            m.add(9, b"./A/D", b"y"),
        )
    )
    assert d.statuses == [200, 200, 200, 200, 200, 404, 200, 200, 200], d.statuses
    d.boot()
    assert d.get(b"./A/C") == b"22"
    assert d.get(b"./A/D") == b"y"
    applied(d.send(m.delete(1, b"./A")))
    assert d.statuses == [200]
    d.boot()
    assert d.get(b"./A") is None and d.get(b"./A/C") is None


@row("R44")
def test_exec_runs_after_the_commit_and_once():
    d = Device()
    applied(d.send(m.execute(1, b"./Dev/Reboot", b"now"), m.execute(2, b"./Led/State")))
    assert d.statuses == [202, 405], d.statuses
    assert d.ran == [(b"now", b"")]
    d.boot()
    d.client.run_execs()
    assert d.ran == []


def test_exec_that_had_started_is_interrupted_not_rerun():
    d = Device()

    def pull_the_plug(uri, data, correlator):
        raise KeyboardInterrupt

    d.client.on_exec(b"./Dev/Reboot", pull_the_plug)
    try:
        d.send(m.execute(1, b"./Dev/Reboot"))
        raise AssertionError
    except KeyboardInterrupt:
        pass
    d.boot()
    d.client.run_execs()
    assert d.ran == []
    from omadm import journal

    last = journal.read(d.client.store, len(d.client.store.journal) - 1)
    assert last[4] == 2 and last[5][0][0] == b"./Dev/Reboot"
    assert d.client.store.execs == []


@row("R13", "R14")
def test_values_of_every_carriage():
    d = Device()
    blob = bytes(range(256)) * 9
    applied(
        d.send(
            m.add(1, b"./Blob", blob, b"bin", b"application/octet-stream", raw=True),
            m.add(2, b"./B64", m.b64(blob), b"b64"),
            m.add(3, b"./Small", b"AQID", b"b64"),
            m.add(4, b"./Wrong", b"A", b"b64"),
            m.add(5, b"./Empty"),
            m.add(6, b"./Null", None, b"null"),
            m.add(7, b"./Flag", b"true", b"bool"),
            m.add(8, b"./Flag2", b"yes", b"bool"),
        )
    )
    assert d.statuses == [200, 200, 200, 415, 200, 200, 200, 415], d.statuses
    d.boot()
    store = d.client.store
    for uri in (b"Blob", b"B64"):
        nid = d.client.tree.find([uri])
        assert store.value_len(nid) == len(blob)
        assert d.client.tree.value(nid, 9999) == blob
        assert d.client.tree.fields(nid) & 15 == 2
    assert d.get(b"./Small") == b"\x01\x02\x03"


def test_properties():
    d = Device()
    applied(
        d.send(
            m.add(1, b"./A/B", b"1"),
            m.replace(2, b"./A/B?prop=ACL", b"Get=*&Replace=*"),
            m.replace(3, b"./A?prop=Title", b"hello"),
            m.replace(4, b"./A/B?prop=Name", b"A"),
            m.replace(5, b"./A/A?prop=Format", b"int"),
            m.replace(6, b"./A/A?prop=Bogus", b"int"),
            m.replace(7, b"./A/A?list=Struct", b"x"),
            m.delete(8, b"./A/A?prop=ACL"),
            m.replace(9, b"./Led/State?prop=Name", b"X"),
            m.replace(10, b".?prop=ACL", b"Replace=*"),
            m.replace(11, b"./A/A?prop=ACL", b"Get"),
            m.replace(12, b"./A/A?prop=ACL", b""),
        )
    )
    assert d.statuses[:4] == [200, 200, 200, 200], d.statuses
    assert d.statuses[4:] == [405, 406, 406, 425, 405, 405, 400, 200], d.statuses


def test_full_store_is_420_and_nothing_is_lost():
    d = Device(8)
    n = 0
    while True:
        applied(d.send(m.add(1, b"./Fill" + b"%d" % n, bytes([65 + n % 20]) * 1000)))
        if d.statuses != [200]:
            break
        n += 1
        assert n < 100
    assert d.statuses == [420] and n > 3
    d.boot()
    for i in range(n):
        assert d.get(b"./Fill%d" % i) == bytes([65 + i % 20]) * 1000
    for i in range(40):
        applied(d.send(m.replace(1, b"./Fill0", bytes([97 + i % 20]) * 1000)))
        assert d.statuses == [200]
    applied(d.send(m.delete(1, b"./Fill1"), m.add(2, b"./Again", b"x" * 900)))
    assert d.statuses == [200, 200]
    d.boot()
    assert d.get(b"./Again") == b"x" * 900
    assert d.get(b"./Fill0") == bytes([97 + 39 % 20]) * 1000


def test_application_errors_do_not_stop_the_client():
    d = Device()

    def broken(uri, kind):
        raise ValueError

    d.client.on_change(b"./Led", broken)
    applied(d.send(m.replace(1, b"./Led/State", b"on")))
    assert d.client.hook_errors == 1
    assert d.heard == [(b"./Led/State", "replace")]


@row("R32")
def test_an_account_in_the_place_of_a_removed_one_starts_anew():
    d = Device()
    applied(d.push(m.message(9, 9, m.replace(1, b"./Led/State", b"on"))))
    d.client.remove(b"./DMAcc/Acme")
    assert d.push(m.message(9, 10, m.replace(1, b"./Led/State", b"off"))).code == 66
    d.client.declare(account(b"Acme", m.SERVER, m.USER, m.KEY, m.NONCE))
    applied(d.push(m.message(1, 1, m.replace(1, b"./Led/State", b"off"))))
    d.boot()
    assert d.push(m.message(1, 1, m.replace(1, b"./Led/State", b"on"))).code == 76


def test_the_order_of_reasons_and_a_change_of_the_root():
    d = Device()
    long = b"t" * 256
    applied(
        d.send(
            m.add(1, b"./N", b"x", b"what", b"urn:oma:mo:oma-dm-dmacc:1.0"),
            m.add(2, b"./N", b"x", b"int", long),
            m.add(3, b"./N", b"1", b"int", long),
            m.replace(4, b"./Led/State", b"x", b"what"),
            m.replace(5, b"./Led/State", b"x", b"int"),
            m.replace(6, b".?prop=Title", b"top"),
        )
    )
    assert d.statuses == [405, 415, 413, 405, 405, 200], d.statuses
    assert d.heard == [(b".", "replace")], d.heard


def test_a_message_of_many_values_needs_room_for_its_largest_only():
    d = Device(8)
    d.spool = Spool(9 * 1024)
    for i in range(6):
        applied(d.send(m.add(1, b"./V%d" % i, b"a" * 1100)))
    for octet in b"bcde":
        applied(d.send(*[m.replace(i + 1, b"./V%d" % i, bytes([octet]) * 1400) for i in range(6)]))
        assert d.statuses == [200] * 6, d.statuses
    d.boot()
    assert d.client.tree.value(d.client.tree.find([b"V5"]), 2000) == b"e" * 1400


def test_who_was_there_first_has_no_right_on_what_is_declared():
    d = Device()
    d.client.set_acl(b".", b"Add=*&Get=*")
    applied(d.send(m.add(1, b"./New/Run", b"mine"), m.replace(2, b"./New?prop=ACL", b"Exec=*&Replace=*")))
    assert d.statuses == [200, 200], d.statuses
    d.client.declare([(b"./New/Run", b"null", 4 | GET, b"", b"", b"Exec=com.example.other")])
    d.client.on_exec(b"./New/Run", lambda uri, data, correlator: d.ran.append(uri))
    applied(
        d.send(m.execute(1, b"./New/Run"), m.replace(2, b"./New?prop=ACL", b"Exec=*"), m.delete(3, b"./New"))
    )
    assert d.statuses == [425, 425, 425], d.statuses
    assert d.ran == []
    d.boot()
    assert d.get(b"./New/Run") == b""
