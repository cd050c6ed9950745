# Rights on a device with two servers: whose ServerID counts, every rule of TND 1.2.1 7.7.1, and
# what becomes of a server's rights when its account goes.
# heapsize=512k: the flash image is in RAM here

import messages as m
from check import raises, row
from omadm.errors import CommandFailed
from omadm.push import Push
from omadm.revoke import without
from test_client import ALL, Device, account, applied

A = m.SERVER
B = b"com.example.lab"
B_USER = b"srv-lab"
B_KEY = m.b64(bytes(range(32)))
B_NONCE = bytes(range(16, 32))


class Two(Device):
    """A device with accounts of two servers; nobody has a right but what the root gives at first."""

    def __init__(self):
        super().__init__()
        self.client.declare(account(b"Lab", B, B_USER, B_KEY, B_NONCE))
        self.client.set_acl(b".", b"Add=*&Get=*")
        self.b = 0

    def by_b(self, *commands):
        """Statuses of the next message of B."""
        self.b += 1
        body = m.message(2, self.b, *commands, source=B, user=B_USER, key=B_KEY, nonce=B_NONCE)
        outcome = self.push(body, m.hmac_header(body, B_KEY, B_NONCE, B_USER))
        applied(outcome)
        assert outcome.server == B
        return [status for _, status in outcome.statuses]

    def by_a(self, *commands):
        """Statuses of the next message of A."""
        applied(self.send(*commands))
        return self.statuses

    def acl(self, *segments):
        """Own ACL of a node."""
        return self.client.store.field(self.client.tree.find(list(segments)), 3)


@row("R36")
def test_the_server_of_the_message_decides():
    d = Two()
    d.client.declare([(b"./App", b"node", ALL, b"", b"", b"Add=%s&Delete=%s&Get=*&Replace=%s" % (A, A, A))])
    d.client.declare([(b"./App/X", b"chr", ALL, b"0")], False)
    d.client.declare(
        [(b"./App/Lab", b"node", ALL, b"", b"", b"Add=%s&Delete=%s&Replace=%s" % (B, B, B))], False
    )
    assert d.by_a(m.replace(1, b"./App/X", b"a"), m.add(2, b"./App/Lab/Y", b"a")) == [200, 425]
    assert d.by_b(m.replace(1, b"./App/X", b"b"), m.add(2, b"./App/Lab/Y", b"b")) == [425, 200]
    assert d.by_b(m.add(1, b"./App/Z", b"b"), m.delete(2, b"./App/X"), m.delete(3, b"./App/Lab/Y")) == [
        425, 425, 200,
    ]  # fmt: skip
    assert d.get(b"./App/X") == b"a"


@row("R35", "R36", negative=True)
def test_one_server_cannot_speak_for_the_other():
    d = Two()
    d.client.declare([(b"./App", b"chr", ALL, b"0", b"", b"Replace=" + B)])
    # A's proof, B's name; then B's Cred as well, as B would send it
    for more in ({}, {"key": B_KEY, "nonce": B_NONCE}, {"key": B_KEY, "nonce": B_NONCE, "user": B_USER}):
        body = m.message(9, 9, m.replace(1, b"./App", b"x"), source=B, **more)
        assert d.push(body, m.hmac_header(body)).code == 95
        assert d.flash_operations == 0
    # B's proof under A's name
    body = m.message(9, 9, m.replace(1, b"./App", b"x"), source=A)
    assert d.push(body, m.hmac_header(body, B_KEY, B_NONCE, B_USER)).code == 95
    assert d.push(body, m.hmac_header(body, B_KEY, B_NONCE)).code == 67
    assert d.get(b"./App") == b"0"


@row("R02", "R32", "R37", negative=True)
def test_a_server_without_an_account_is_nobody():
    d = Device()
    body = m.message(
        1, 1, m.replace(1, b"./Led/State", b"on"), source=B, user=B_USER, key=B_KEY, nonce=B_NONCE
    )
    header = m.hmac_header(body, B_KEY, B_NONCE, B_USER)
    assert (d.push(body, header).code, d.flash_operations) == (66, 0)
    # with the proof of an account, but the name of nobody
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on"), source=B)
    assert (d.push(body).code, d.flash_operations) == (78, 0)
    # on a device that has none at all
    d.client.remove(b"./DMAcc/Acme")
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    assert (d.push(body).code, d.flash_operations) == (66, 0)
    assert d.get(b"./Led/State") == b"off"


@row("R28", "R29")
def test_a_secure_carrier_is_no_proof():
    d = Device()
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    for headers, code in (({}, 60), ({"x-syncml-hmac": m.hmac_header(body + b"\x00")}, 67)):
        d.spool.reset()
        d.spool.write(body)
        outcome = d.client.accept(Push("tls", True, "application/vnd.syncml.dm+wbxml", 7, headers, d.spool))
        assert (outcome.error, outcome.code) == ("NotAuthentic", code)
    d.spool.reset()
    d.spool.write(body)
    headers = {"x-syncml-hmac": m.hmac_header(body)}
    applied(d.client.accept(Push("tls", True, "application/vnd.syncml.dm+wbxml", 7, headers, d.spool)))


@row("R51")
def test_absolute_and_relative_addresses():
    d = Device()
    relative = m.command(0x20, 1, m.item(b"State", b"on", parent=b"./Led"))
    both = m.command(0x10, 2, m.item(b"./State", parent=b"./Led"))
    alone = m.command(0x20, 3, m.item(b"Led/State?prop=Title", b"lamp"))
    applied(d.send(relative, both, alone))
    assert d.statuses == [200, 404, 200], d.statuses
    assert d.get(b"./Led/State") == b"on"


@row("R47", "R50", negative=True)
def test_only_add_of_an_object_goes_to_the_inbox():
    d = Device()
    applied(
        d.send(
            m.replace(1, b"./Inbox", b"x"),
            m.delete(2, b"./Inbox"),
            m.execute(3, b"./Inbox"),
            m.replace(4, b"./Inbox?prop=ACL", b"Get=*"),
            m.replace(5, b"./Inbox?prop=Name", b"Out"),
            m.add(6, b"./Inbox/A", b"x"),
            m.add(7, b"./Inbox/A", None, b"node"),
            m.replace(8, b"./Inbox/A", b"x"),
            m.command(0x05, 9, m.item(b"A", b"x", parent=b"./Inbox")),
            m.command(0x10, 10, m.item(b"", parent=b"Inbox")),
        )
    )
    assert d.statuses == [405] * 10, d.statuses
    before = d.client.store.used
    applied(d.send(m.add(1, b"./Inbox", b"x"), m.add(2, b"./Inbox", None, b"node")))
    assert len(d.statuses) == 2 and min(d.statuses) >= 400, d.statuses
    assert d.client.tree.store.next_child(d.client.tree.find([b"Inbox"]), -1) < 0
    assert d.client.store.used < before + 64  # of the journal


def test_who_adds_an_interior_node_may_manage_it():
    d = Two()
    assert d.by_a(m.add(1, b"./New/Deep/Leaf", b"1"), m.add(2, b"./Leaf", b"2")) == [200, 200]
    assert d.acl(b"New") == b"Add=%s&Delete=%s&Get=*&Replace=%s" % (A, A, A)
    assert d.acl(b"New", b"Deep") == d.acl(b"New", b"Deep", b"Leaf") == d.acl(b"Leaf") == b""
    # A may go on there, and the other server may not; the leaf on the root stays the root's
    assert d.by_b(m.replace(1, b"./New/Deep/Leaf", b"x"), m.add(2, b"./New/X", b"x")) == [425, 425]
    assert d.by_a(m.replace(1, b"./New/Deep/Leaf", b"x"), m.replace(2, b"./Leaf", b"x")) == [200, 425]
    # below a node on which A has Replace no ACL of its own is made
    assert d.by_a(m.add(1, b"./New/Other", None, b"node")) == [200]
    assert d.acl(b"New", b"Other") == b""
    # B has Add, and no Replace: what it makes is B's, with what the parent let others read and run
    rights = b"Add=%s+%s&Delete=%s&Exec=%s&Get=%s&Replace=%s" % (A, B, A, A, A, A)
    assert d.by_a(m.replace(1, b"./New?prop=ACL", rights)) == [200]
    assert d.by_b(m.add(1, b"./New/OfB/Leaf", b"1"), m.add(2, b"./New/LeafB", b"1")) == [200, 200]
    assert d.acl(b"New", b"OfB") == b"Add=%s&Delete=%s&Exec=%s&Get=%s&Replace=%s" % (B, B, A, A, B)
    assert d.acl(b"New", b"LeafB") == b""
    assert d.by_a(m.replace(1, b"./New/OfB/Leaf", b"x"), m.delete(2, b"./New/OfB")) == [425, 425]
    assert d.by_b(m.replace(1, b"./New/OfB/Leaf", b"x"), m.replace(2, b"./New/LeafB", b"x")) == [200, 425]


def test_a_failed_add_leaves_no_rights():
    d = Two()
    assert d.by_a(m.add(1, b"./New/Deep/Leaf", b"x", b"int")) == [415]
    assert d.client.tree.find([b"New"]) < 0
    assert d.by_a(m.atomic(1, m.add(2, b"./New/Leaf", b"1"), m.delete(3, b"./No"))) == [216, 404, 507]
    assert d.by_b(m.add(1, b"./New/Leaf", b"1")) == [200]
    assert d.acl(b"New") == b"Add=%s&Delete=%s&Get=*&Replace=%s" % (B, B, B)


def test_who_may_change_an_acl():
    d = Two()
    d.client.declare(
        [
            (b"./P", b"node", ALL, b"", b"", b"Replace=" + A),
            (b"./P/In", b"node", ALL, b"", b"", b"Replace=" + B),
            (b"./P/In/Leaf", b"chr", ALL, b"1", b"", b"Replace=" + A),
            (b"./P/Shut", b"node", ALL, b"", b"", b"Get=*"),
            (b"./P/Leaf", b"chr", ALL, b"1", b"", b"Replace=" + B),
        ],
        False,
    )
    change = b"Replace=%s+%s" % (A, B)
    # an interior node: Replace on it, or on its parent
    for who, status in ((d.by_a, 200), (d.by_b, 200)):
        assert who(m.replace(1, b"./P/In?prop=ACL", b"Replace=" + B)) == [status]
    assert d.by_b(m.replace(1, b"./P/Shut?prop=ACL", b"Replace=" + B)) == [425]
    assert d.by_a(m.replace(1, b"./P/Shut?prop=ACL", b"Replace=" + A)) == [200]
    # a leaf: its parent's Replace alone, whatever the leaf grants
    assert d.by_b(m.replace(1, b"./P/Leaf?prop=ACL", change)) == [425]
    assert d.by_a(m.replace(1, b"./P/In/Leaf?prop=ACL", change)) == [425]
    assert d.by_b(m.replace(1, b"./P/Leaf", b"2"), m.replace(2, b"./P/Leaf?prop=Title", b"t")) == [200, 200]
    assert d.by_a(m.replace(1, b"./P/Leaf", b"3"), m.replace(2, b"./P/Leaf?prop=ACL", change)) == [425, 200]
    assert d.by_a(m.replace(1, b"./P/Leaf", b"3")) == [200]
    # nothing but Replace reaches a property, and the root's ACL is nobody's
    assert d.by_a(m.add(1, b"./P?prop=ACL", b""), m.delete(2, b"./P/Leaf?prop=ACL")) == [405, 425]
    d.client.set_acl(b".", b"Add=*&Delete=*&Exec=*&Get=*&Replace=*")
    assert d.by_a(m.replace(1, b".?prop=ACL", b"Get=*"), m.delete(2, b"./P/Leaf?prop=ACL")) == [405, 425]
    assert d.acl() == b"Add=*&Delete=*&Exec=*&Get=*&Replace=*"
    # a bad one changes nothing; an empty one lets it inherit
    assert d.by_a(m.replace(1, b"./P/Leaf?prop=ACL", b"Replace")) == [400]
    assert d.acl(b"P", b"Leaf") == change
    assert d.by_a(m.replace(1, b"./P/Leaf?prop=ACL")) == [200]
    assert d.acl(b"P", b"Leaf") == b""
    assert d.by_b(m.replace(1, b"./P/Leaf", b"4")) == [425]
    d.boot()
    assert d.acl(b"P", b"Leaf") == b"" and d.acl(b"P", b"In") == b"Replace=" + B


def test_rights_taken_in_a_message_count_at_once():
    d = Two()
    assert d.by_a(m.add(1, b"./N", None, b"node"), m.add(2, b"./N/L", b"1")) == [200, 200]
    mine, other = b"Replace=" + A, b"Replace=" + B
    commands = (
        m.replace(1, b"./N?prop=ACL", other),
        m.replace(2, b"./N/L", b"2"),
        m.replace(3, b"./N?prop=ACL", mine),
    )
    assert d.by_a(*commands) == [200, 425, 425]
    assert d.by_b(m.replace(1, b"./N/L", b"3")) == [200]
    # undone with their Atomic
    commands = m.replace(2, b"./N?prop=ACL", mine), m.delete(3, b"./N")
    assert d.by_b(m.atomic(1, *commands), m.replace(4, b"./N/L", b"4")) == [216, 425, 507, 200]


def test_exec_and_delete_ask_the_node():
    d = Two()
    d.client.declare([(b"./Dev/Go", b"null", 4, b"", b"", b"Exec=" + B)])
    d.client.on_exec(b"./Dev/Go", lambda uri, data, correlator: d.ran.append(uri))
    assert d.by_a(m.execute(1, b"./Dev/Go")) == [425]
    assert d.by_b(m.execute(1, b"./Dev/Go"), m.execute(2, b"./Dev/Reboot")) == [202, 425]
    assert d.ran == [b"./Dev/Go"]
    d.client.declare([(b"./X", b"node", ALL, b"", b"", b"Delete=" + B), (b"./X/Y", b"chr", ALL)], False)
    d.client.set_acl(b"./X/Y", b"Get=" + A)
    assert d.by_a(m.delete(1, b"./X"), m.delete(2, b"./X/Y")) == [425, 425]
    assert d.by_b(m.delete(1, b"./X/Y"), m.delete(2, b"./X")) == [425, 200]  # what is below is not asked


# -- an account goes


def test_an_acl_without_a_server():
    for given, gone, inner, root in (
        (b"", [b"a"], b"", b""),
        (b"Get=*", [b"*"], b"", b"Get=*"),
        (b"Get=a", [b"a"], b"", b"Get=*"),
        (b"Add=a&Delete=a&Exec=a&Get=a&Replace=a", [b"a"], b"", b"Add=*&Get=*"),
        (
            b"Add=a+b&Delete=a&Get=*&Replace=b+a+c",
            [b"a"],
            b"Add=b&Get=*&Replace=b+c",
            b"Add=b&Get=*&Replace=b+c",
        ),
        (b"Add=ab+a.b&Get=b", [b"a", b"b"], b"Add=ab+a.b", b"Add=ab+a.b&Get=*"),
        (b"Exec=a+b", [b"a", b"b"], b"", b""),
        (b"Replace=c", [b"a", b"b"], b"Replace=c", b"Replace=c"),
    ):
        assert without(given, gone, False) == inner, given
        assert without(given, gone, True) == root, given


def test_a_server_without_an_account_has_no_rights_left():
    d = Two()
    both = b"Add=%s+%s&Get=*&Replace=%s" % (A, B, A)
    d.client.set_acl(b".", b"Add=%s&Delete=%s&Exec=%s&Get=%s&Replace=%s+%s" % (A, A, A, A, A, B))
    d.client.declare(
        [
            (b"./P", b"node", ALL, b"", b"", both),
            (b"./P/Run", b"null", 4, b"", b"", b"Exec=" + A),
            (b"./P/Lab", b"chr", ALL, b"1", b"", b"Replace=" + B),
        ]
    )
    version = d.client.tree.find([b"P", b"Lab"])
    before = bytes(d.client.store.fixed(version))
    d.client.remove(b"./DMAcc/Acme")
    for _ in range(2):
        assert d.acl() == b"Add=*&Get=*&Replace=" + B
        assert d.acl(b"P") == b"Add=%s&Get=*" % B
        assert d.acl(b"P", b"Run") == b""  # inherits
        assert d.acl(b"P", b"Lab") == b"Replace=" + B
        assert bytes(d.client.store.fixed(version)) == before  # untouched: VerNo as well
        d.boot()
    assert [one.server_id for one in d.client.accounts] == [B]
    # who gets the name later begins without a right
    d.client.declare(account(b"Acme", A, m.USER, m.KEY, m.NONCE))
    assert (
        d.by_a(m.execute(1, b"./P/Run"), m.replace(2, b"./P?prop=Title", b"x"), m.add(3, b"./P/N", b""))
        == [425] * 3
    )


def test_rights_stay_while_an_account_of_that_server_is_left():
    d = Two()
    d.client.declare(account(b"Twin", A, b"twin", m.KEY, m.NONCE))
    d.client.set_acl(b"./Led", b"Replace=" + A)
    d.client.remove(b"./DMAcc/Twin")
    assert d.acl(b"Led") == b"Replace=" + A
    applied(d.send(m.replace(1, b"./Led/State", b"on")))
    assert d.statuses == [200]
    d.client.remove(b"./Led/State")  # no account: no ACL changes
    assert d.acl(b"Led") == b"Replace=" + A
    d.client.remove(b"./DMAcc")  # both at once
    assert d.acl(b"Led") == b"" and d.client.accounts == []


def test_a_removal_without_room_changes_nothing():
    d = Two()
    d.client.set_acl(b"./Led", b"Replace=" + A)

    def no_room(*args):
        raise CommandFailed(413)

    d.client.txn.again = no_room
    raises(CommandFailed, 413, d.client.remove, b"./DMAcc/Acme")
    assert d.get(b"./DMAcc/Acme/ServerID") == A
    assert len(d.client.accounts) == 2
    d.boot()
    assert d.get(b"./DMAcc/Acme/ServerID") == A and d.acl(b"Led") == b"Replace=" + A


@row("R45", negative=True)
def test_a_dmacc_has_many_names():
    d = Device()
    before = d.client.store.used
    for mime in (
        b"urn:oma:mo:oma-dm-dmacc:1.0",
        b"urn:oma:mo:oma-dm-dmacc:1.2",
        b"URN:OMA:MO:OMA-DM-DMACC:1.1",
        b"org.openmobilealliance/1.0/w7",
        b"org.OpenMobileAlliance/1.0/W7",
    ):
        applied(d.send(m.add(1, b"./X", None, b"node", mime), m.add(2, b"./Y/Z", None, b"node", mime)))
        assert d.statuses == [405, 405], (mime, d.statuses)
    assert len(d.client.accounts) == 1
    assert d.client.tree.find([b"X"]) == d.client.tree.find([b"Y"]) == -1
    assert d.client.store.used < before + 64


@row("R45", negative=True)
def test_a_dmacc_is_out_of_reach_whatever_its_rights():
    d = Device()
    d.client.remove(b"./DMAcc")
    rows = account(b"Acme", m.SERVER, m.USER, m.KEY, m.NONCE)
    d.client.declare([(row + (b"", b""))[:2] + (ALL,) + row[3:] for row in rows], False)
    d.client.set_acl(b".", b"Add=*&Delete=*&Exec=*&Get=*&Replace=*")
    where = b"./DMAcc/Acme"
    applied(
        d.send(
            m.add(1, where + b"/New", b"x"),
            m.add(2, where + b"/AppAuth/T/AAuthLevel", b"SRVCRED"),
            m.replace(3, where + b"/ServerID", b"x"),
            m.delete(4, where + b"/AppAuth/S"),
            m.replace(5, where + b"?prop=ACL", b"Get=*"),
            m.replace(6, where + b"/ServerID?prop=Name", b"x"),
            m.delete(7, where),
            m.delete(8, b"./DMAcc"),
            m.replace(9, b"./DMAcc?prop=Name", b"x"),
        )
    )
    assert d.statuses == [405] * 9, d.statuses
    assert d.get(where + b"/ServerID") == m.SERVER
