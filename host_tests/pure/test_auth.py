# Proof of the sender: MAC, Cred, replay pair. Construction in docs/profile.md.
import binascii
import hashlib

from check import raises, row
from omadm import auth
from omadm.errors import NotAuthentic

NO_HEADER = 60
HEADER_TOO_LONG = 61
BAD_HEADER = 62
NO_ALGORITHM = 63
MD5 = 64
BAD_ALGORITHM = 65
UNKNOWN_USER = 66
WRONG_MAC = 67
SEVERAL_ACCOUNTS = 68
OTHER_PROOF = 69
UNUSABLE_ACCOUNT = 70
NO_CRED = 71
CRED_TYPE = 72
CRED_FORMAT = 73
WRONG_CRED = 74
WRONG_LOCNAME = 75
REPLAY = 76
HMAC_SHA256 = 1
SHA256 = 2

USER = b"srv-acme"
SECRET = b"s3cr3t-Server-Pw"
NONCE = bytes(range(16))

# Computed independently of this code: on CPython with hashlib and hmac, from the formulas.
KEY = b"ppg9TDZzOsANf7IUrKcLrDBcY8jei8kl8bNgA2g8U/E="
CRED = b"+wRBCGzivhNPG28tIMLPBqwQDxadacpKHIQIIuk9PJo="
TINY = b"\x01\x02\x03"
TINY_NESTED = b"5jVZiYuSqWeIwB5gDi4mxBfzaZ7zBAXoqEeq3FSKYxA="
TINY_HMAC = b"/gPD7yd+jYChKUhk/uhjBl1ehkIOlTNkiAfZJMswr+A="

# A complete message, made independently too: WBXML 1.3, Replace ./Led/State chr "on".
MESSAGE = binascii.unhexlify(
    b"03a4016a006d6c7103312e3200017203444d2f312e33000165033100015b033100016e570375726e3a6465763a6d"
    b"61633a32343061633466666665313132323333000101675703636f6d2e6578616d706c652e646d73000156037372"
    b"762d61636d650001014e5a000147036236340001530373796e636d6c3a617574682d53484132353600010100004f"
    b"032b77524243477a6976684e5047323874494d4c5042717751447861646163704b4849514949756b39504a6f3d00"
    b"0101016b604b03310001546e57032e2f4c65642f53746174650001015a0001470363687200015303746578742f70"
    b"6c61696e00010100004f036f6e00010101120101"
)
MESSAGE_DIGEST = binascii.unhexlify(b"def88e8212fe300f6de427dd2e06831acd7040294815c416cdfb365ff997ade8")
MESSAGE_NESTED = b"X3jbGbOxVDwTLna+vCQQjy/72cWzAYvf6W+n3W8UBt0="
MESSAGE_HMAC = b"FGO/21o68hLjaQvvWYnWqLuxD2kkL2/8kBa3ryzQPLI="


class Account:
    def __init__(self, name=USER, key=KEY, nonce=NONCE, auth_type=b"HMAC"):
        self.name = name
        self.key = key
        self.nonce = nonce
        self.auth_type = auth_type


class Hdr:
    def __init__(self):
        self.cred_type = b"syncml:auth-SHA256"
        self.cred_format = b"b64"
        self.cred_data = CRED
        self.loc_name = USER


def sha256(data):
    return hashlib.sha256(data).digest()


def key_of(user, password):
    """What AAuthSecret holds."""
    return binascii.b2a_base64(hashlib.sha256(user + b":" + password).digest())[:-1]


def header(code=MESSAGE_HMAC, algorithm="HMAC-SHA256", user="srv-acme"):
    return 'algorithm=%s, username="%s", mac=%s' % (algorithm, user, code.decode())


def test_key():
    assert key_of(USER, SECRET) == KEY


def test_official_formula_with_sha256():
    # Inputs of the worked example in DM Security 1.2.1, with SHA-256 for MD5.
    key = key_of(b"Bruce2", b"OhBehave")
    assert auth.cred(key, b"Nonce") == b"xjzyGlkt3ohlGLPxKSYkHAOvDen344MH8tMN+TuV5E4="


def test_cred_value():
    assert auth.cred(KEY, NONCE) == CRED


def test_mac_of_three_octets():
    assert auth.mac(HMAC_SHA256, KEY, NONCE, sha256(TINY)) == TINY_HMAC
    assert auth.mac(SHA256, KEY, NONCE, sha256(TINY)) == TINY_NESTED


@row("R30")
def test_mac_of_a_whole_message():
    assert len(MESSAGE) == 250
    assert sha256(MESSAGE) == MESSAGE_DIGEST
    assert auth.mac(HMAC_SHA256, KEY, NONCE, MESSAGE_DIGEST) == MESSAGE_HMAC
    assert auth.mac(SHA256, KEY, NONCE, MESSAGE_DIGEST) == MESSAGE_NESTED
    # other nonces, nested hash
    for nonce, want in (
        (b"\0\0\0\0", b"4qjPQVxebM8/BEFXP5kJFn8rHdJgiBaoSqrhg8FJIAw="),
        (b"0x00000000", b"5RyZeM9koxnO70EEC4LCTOwhYBKMM/55onFX6IuDeoY="),
        (b"", b"oLgBrG1X4fU0S5rMvOk61/rVooCgFOxc9ahHvXNe+eo="),
    ):
        assert auth.mac(SHA256, KEY, nonce, MESSAGE_DIGEST) == want


@row("R30")
def test_hmac_is_rfc_2104():
    # Keys shorter and longer than a block, against a second implementation by the book.
    for key in (b"", b"k", b"k" * 63, b"k" * 64, b"k" * 65, b"k" * 200):
        text = NONCE + b":" + binascii.b2a_base64(MESSAGE_DIGEST)[:-1]
        pad = sha256(key) if len(key) > 64 else key
        pad = pad + b"\0" * (64 - len(pad))
        inner = hashlib.sha256(bytes([0x36 ^ c for c in pad]))
        inner.update(text)
        outer = hashlib.sha256(bytes([0x5C ^ c for c in pad]))
        outer.update(inner.digest())
        want = binascii.b2a_base64(outer.digest())[:-1]
        assert auth.mac(HMAC_SHA256, key, NONCE, MESSAGE_DIGEST) == want


# --- the header ---


def test_header_forms():
    mac = MESSAGE_HMAC.decode()
    want = (HMAC_SHA256, USER, MESSAGE_HMAC)
    for text in (
        header(),
        'mac=%s,username="srv-acme",algorithm=HMAC-SHA256' % mac,
        'username="srv-acme", algorithm=hmac-sha256, mac=%s' % mac,
        'Algorithm=HMAC-SHA256,UserName="srv-acme",MAC=%s' % mac,
        '  algorithm = HMAC-SHA256 ,\t username = "srv-acme" , mac = %s  ' % mac,
        ', algorithm=HMAC-SHA256,, username="srv-acme", mac=%s,' % mac,
        header(MESSAGE_HMAC[:-1]),  # padding may be missing
    ):
        assert auth.parse_hmac(text) == want, text
        assert auth.parse_hmac(text.encode()) == want


@row("R30", negative=True)
def test_header_algorithms():
    for token in ("SHA256", "sha256", "SHA-256", "Sha-256"):
        assert auth.parse_hmac(header(algorithm=token))[0] == SHA256
    for token in ("HMAC-SHA256", "hmac-sha256"):
        assert auth.parse_hmac(header(algorithm=token))[0] == HMAC_SHA256
    for token in ("MD5", "md5"):
        raises(NotAuthentic, MD5, auth.parse_hmac, header(algorithm=token))
    raises(NotAuthentic, NO_ALGORITHM, auth.parse_hmac, header(algorithm=""))
    for token in ("SHA1", "SHA512", "HMAC-MD5", "HMACSHA256", "none", "SHA256 x"):
        raises(NotAuthentic, BAD_ALGORITHM, auth.parse_hmac, header(algorithm=token))
    mac = MESSAGE_HMAC.decode()
    raises(NotAuthentic, NO_ALGORITHM, auth.parse_hmac, 'username="srv-acme", mac=' + mac)


def test_user_names():
    for quoted, want in (
        ("Robert Jordan", b"Robert Jordan"),
        ("a, mac=x, b", b"a, mac=x, b"),
        ("a=b", b"a=b"),
        ("\u00e4", b"\xc3\xa4"),
        (" ", b" "),
    ):
        assert auth.parse_hmac(header(user=quoted))[1] == want


def test_bad_headers():
    mac = MESSAGE_HMAC.decode()
    front = "algorithm=HMAC-SHA256, "
    for text in (
        "x",
        ",",
        "=",
        "algorithm",
        front,
        front + "mac=" + mac,
        front + 'username="srv-acme"',
        front + 'username="", mac=' + mac,
        front + "username=srv-acme, mac=" + mac,
        front + 'username="srv-acme, mac=' + mac,
        front + 'username=srv-acme", mac=' + mac,
        front + 'username=", mac=' + mac,
        front + 'username="a"b", mac=' + mac,
        front + 'username="a" b, mac=' + mac,
        front + 'username="a\\", mac=' + mac,
        front + 'username="a\\"b", mac=' + mac,  # quoted pairs are not carried
        front + 'username="a\\b", mac=' + mac,
        front + 'username="srv-acme", mac="' + mac + '"',
        front + 'username="srv-acme", mac=',
        front + 'username="srv-acme", mac',
        front + 'username="srv-acme", mac=' + mac[:-2],
        front + 'username="srv-acme", mac=' + mac + "=",
        front + 'username="srv-acme", mac=' + mac + mac,
        header() + ", mac=" + mac,
        header() + ', username="srv-acme"',
        header() + ", algorithm=HMAC-SHA256",
        header() + ", extra=1",
        header() + ", extra",
        # hexadecimal is not accepted
        front + 'username="srv-acme", mac=' + "0" * 64,
        # an octet after the escape, at the very end
        front + "mac=" + mac + ', username="a\\',
        front + "mac=" + mac + ', username="',
        front + "mac=" + mac + ", username=",
    ):
        raises(NotAuthentic, BAD_HEADER, auth.parse_hmac, text)
    for text in (None, "", b""):
        raises(NotAuthentic, NO_HEADER, auth.parse_hmac, text)


def test_header_is_bounded():
    text = header()
    assert auth.parse_hmac(text + " " * (512 - len(text)))
    raises(NotAuthentic, HEADER_TOO_LONG, auth.parse_hmac, text + " " * (513 - len(text)))
    raises(NotAuthentic, HEADER_TOO_LONG, auth.parse_hmac, "," * 20000)


def test_header_cut_anywhere():
    text = header()
    for i in range(len(text) - 1):  # one less: the padding may be missing
        raises(NotAuthentic, None, auth.parse_hmac, text[:i])


# --- the MAC ---


@row("R35")
def test_mac_finds_the_account():
    good = Account()
    others = [Account(b"other"), Account(b"srv-acm"), Account(b"srv-acme2")]
    for accounts in ([good], others + [good], [good] + others):
        assert auth.check_mac(header(), MESSAGE_DIGEST, accounts) is good
        nested = header(MESSAGE_NESTED, "SHA256")
        assert auth.check_mac(nested, MESSAGE_DIGEST, accounts) is good
    assert auth.check_mac(header(), MESSAGE_DIGEST, iter([good])) is good


@row("R35")
def test_same_name_other_secret():
    good = Account()
    other = Account(key=key_of(USER, b"other"))
    assert auth.check_mac(header(), MESSAGE_DIGEST, [other, good]) is good
    assert auth.check_mac(header(), MESSAGE_DIGEST, [good, other]) is good


@row("R30", "R38", negative=True)
def test_mac_refused():
    check = auth.check_mac
    one = [Account()]
    raises(NotAuthentic, UNKNOWN_USER, check, header(user="srv-acm"), MESSAGE_DIGEST, one)
    raises(NotAuthentic, UNKNOWN_USER, check, header(user="SRV-ACME"), MESSAGE_DIGEST, one)
    raises(NotAuthentic, UNKNOWN_USER, check, header(), MESSAGE_DIGEST, [])
    raises(NotAuthentic, WRONG_MAC, check, header(), sha256(TINY), one)
    raises(NotAuthentic, WRONG_MAC, check, header(MESSAGE_NESTED), MESSAGE_DIGEST, one)
    raises(NotAuthentic, WRONG_MAC, check, header(algorithm="SHA256"), MESSAGE_DIGEST, one)
    for other in (
        Account(key=key_of(USER, b"s3cr3t-server-Pw")),
        Account(nonce=b"\0" * 16),
        Account(nonce=NONCE + b"\0"),
        Account(nonce=b"\0\0\0\0"),
    ):
        raises(NotAuthentic, WRONG_MAC, check, header(), MESSAGE_DIGEST, [other])
    raises(NotAuthentic, SEVERAL_ACCOUNTS, check, header(), MESSAGE_DIGEST, [Account(), Account()])
    raises(NotAuthentic, NO_HEADER, check, None, MESSAGE_DIGEST, one)


@row("R38", negative=True)
def test_every_bit_of_the_mac_and_of_the_digest():
    accounts = [Account()]
    raw = bytearray(binascii.a2b_base64(MESSAGE_HMAC))
    digest = bytearray(MESSAGE_DIGEST)
    for bit in range(256):
        raw[bit >> 3] ^= 1 << (bit & 7)
        text = header(binascii.b2a_base64(bytes(raw))[:-1])
        raises(NotAuthentic, WRONG_MAC, auth.check_mac, text, MESSAGE_DIGEST, accounts)
        raw[bit >> 3] ^= 1 << (bit & 7)
    for i in range(32):
        digest[i] ^= 1
        raises(NotAuthentic, WRONG_MAC, auth.check_mac, header(), bytes(digest), accounts)
        digest[i] ^= 1
    # base64 that decodes to the same octets is still another text
    raises(
        NotAuthentic,
        WRONG_MAC,
        auth.check_mac,
        header(MESSAGE_HMAC[:-2] + b"J="),
        MESSAGE_DIGEST,
        accounts,
    )


@row("R35", negative=True)
def test_only_the_proof_of_the_account_counts():
    for auth_type in (b"RSA", b"ECDSA", b"DIGEST", b"BASIC", b"TRANSPORT", b"", b"hmac", b"HMAC "):
        account = Account(auth_type=auth_type)
        raises(NotAuthentic, OTHER_PROOF, auth.check_mac, header(), MESSAGE_DIGEST, [account])


@row("R35", negative=True)
def test_no_secret_or_no_nonce_is_no_way_in():
    for key, nonce in ((b"", NONCE), (b"short", NONCE), (KEY, b"")):
        for algorithm, token in ((HMAC_SHA256, "HMAC-SHA256"), (SHA256, "SHA256")):
            text = header(auth.mac(algorithm, key, nonce, MESSAGE_DIGEST), token)
            account = Account(key=key, nonce=nonce)
            raises(NotAuthentic, UNUSABLE_ACCOUNT, auth.check_mac, text, MESSAGE_DIGEST, [account])
    # an account without a user name is never meant
    nobody = [Account(b"")]
    raises(NotAuthentic, BAD_HEADER, auth.check_mac, header(user=""), MESSAGE_DIGEST, nobody)


def test_unknown_user_costs_the_same_hashes():
    real = auth._sha256
    hashed = []

    def counting(data):
        hashed.append(len(data))
        return real(data)

    accounts = [Account(), Account(b"other"), Account(b"third")]
    auth._sha256 = counting
    try:
        for token in ("HMAC-SHA256", "SHA256"):
            work = []
            for user, code in (("srv-acme", WRONG_MAC), ("nobody", UNKNOWN_USER)):
                del hashed[:]
                text = header(user=user, code=b"A" * 43 + b"=", algorithm=token)
                raises(NotAuthentic, code, auth.check_mac, text, MESSAGE_DIGEST, accounts)
                work.append(list(hashed))
            assert work[0] == work[1] and work[0], work
    finally:
        auth._sha256 = real


# --- comparing ---


class Counted:
    """Octets that count how often one of them is looked at."""

    def __init__(self, data):
        self.data = data
        self.looks = 0

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        self.looks += 1
        return self.data[i]


def test_same():
    for a, b in ((b"", b""), (b"a", b"a"), (CRED, CRED)):
        assert auth.same(a, b)
    for a, b in ((b"", b"a"), (b"a", b""), (b"ab", b"a"), (b"a", b"ab"), (b"aa", b"ab")):
        assert not auth.same(a, b)
    for i in range(len(CRED)):
        assert not auth.same(CRED[:i] + b"!" + CRED[i + 1 :], CRED)


def test_same_never_ends_early():
    n = len(CRED)
    wrong = (b"!" + CRED[1:], CRED[:-1] + b"!", b"!" * n, b"", b"x", CRED + CRED, CRED[:-1])
    for given in (CRED,) + wrong:
        wanted = Counted(CRED)
        auth.same(given, wanted)
        # octet by octet to the end; twice where the length already differs
        assert wanted.looks == (n if len(given) == n else 2 * n), (given, wanted.looks)


# --- Cred ---


@row("R10")
def test_cred_accepted():
    for name, value in (
        ("cred_type", b"SYNCML:AUTH-sha256"),
        ("cred_format", b"B64"),
        ("cred_data", CRED[:-1]),
        ("loc_name", None),
    ):
        hdr = Hdr()
        auth.check_cred(hdr, Account())
        setattr(hdr, name, value)
        auth.check_cred(hdr, Account())


@row("R10", negative=True)
def test_cred_refused():
    for name, value, code in (
        ("cred_data", None, NO_CRED),
        ("cred_type", b"", CRED_TYPE),
        ("cred_type", b"syncml:auth-md5", CRED_TYPE),
        ("cred_type", b"syncml:auth-basic", CRED_TYPE),
        ("cred_type", b"syncml:auth-MAC", CRED_FORMAT),
        ("cred_format", b"", CRED_FORMAT),
        ("cred_format", b"chr", CRED_FORMAT),
        ("cred_data", b"", WRONG_CRED),
        ("cred_data", CRED[:-2], WRONG_CRED),
        ("cred_data", CRED + b"=", WRONG_CRED),
        ("cred_data", KEY, WRONG_CRED),
        ("cred_data", b"!" + CRED[1:], WRONG_CRED),
        ("loc_name", b"", WRONG_LOCNAME),
        ("loc_name", b"srv-acm", WRONG_LOCNAME),
        ("loc_name", b"SRV-ACME", WRONG_LOCNAME),
    ):
        hdr = Hdr()
        setattr(hdr, name, value)
        raises(NotAuthentic, code, auth.check_cred, hdr, Account())
    raises(NotAuthentic, WRONG_CRED, auth.check_cred, Hdr(), Account(nonce=b"\0\0\0\0"))


@row("R10", negative=True)
def test_a_missing_meta_is_refused():
    for name, code in (("cred_type", CRED_TYPE), ("cred_format", CRED_FORMAT)):
        hdr = Hdr()
        setattr(hdr, name, None)
        raises(NotAuthentic, code, auth.check_cred, hdr, Account())


def test_no_secret_in_an_exception():
    for fn, args in (
        (auth.check_mac, (header(), sha256(TINY), [Account()])),
        (auth.check_mac, (header(user="x"), sha256(TINY), [Account()])),
        (auth.check_cred, (Hdr(), Account(nonce=b"x"))),
        (auth.parse_hmac, ("secret",)),
        (auth.replay, (1, 1, 1, 1)),
    ):
        e = raises(NotAuthentic, None, fn, *args)
        assert len(e.args) == 1 and isinstance(e.args[0], int)


# --- replay ---


def refused(*args):
    raises(NotAuthentic, REPLAY, auth.replay, *args)


@row("R07")
def test_strictly_greater_pairs():
    for last, pair in (
        ((0, 0), (1, 1)),
        ((1, 1), (1, 2)),
        ((1, 1), (2, 1)),
        ((1, 900), (2, 1)),
        ((1, 1), (0xFFFF, 0x3FFFFFFF)),
        ((9, 1), (10, 1)),
    ):
        assert auth.replay(*(last + pair)) & 1
        refused(*(pair + last))
    refused(1, 1, 1, 1)
    refused(2, 1, 1, 2)
    refused(2, 5, 1, 900)
    refused(0xFFFF, 1, 1, 1)


def test_window_takes_each_number_once():
    seen = auth.replay(0, 0, 1, 40)
    last = 40
    for msg in range(9, 40):  # 31 numbers behind the newest, in a window of 32
        seen = auth.replay(1, last, 1, msg, 32, seen)
        refused(1, last, 1, msg, 32, seen)
    refused(1, last, 1, last, 32, seen)
    refused(1, last, 1, 8, 32, seen)
    assert seen == 0xFFFFFFFF
    for msg in range(1, 41):
        refused(1, last, 1, msg, 32, seen)


def test_window_moves():
    seen = auth.replay(1, 10, 1, 13, 8, 1)
    assert seen == 9
    seen = auth.replay(1, 13, 1, 11, 8, seen)
    refused(1, 13, 1, 11, 8, seen)
    refused(1, 13, 1, 10, 8, seen)
    seen = auth.replay(1, 13, 1, 12, 8, seen)
    assert seen == 15
    seen = auth.replay(1, 13, 1, 6, 8, seen)
    refused(1, 13, 1, 5, 8, seen)
    seen = auth.replay(1, 13, 1, 44, 8, seen)
    assert seen == 0x80000001 | (seen & 1)  # 13 is 31 behind 44
    assert auth.replay(1, 44, 1, 45, 8, seen) == 3
    assert auth.replay(1, 44, 1, 76, 8, seen) == 1
    assert auth.replay(1, 44, 1, 0x3FFFFFFF, 8, seen) == 1


def test_window_is_of_one_session_only():
    seen = auth.replay(1, 40, 2, 7, 32, 1)
    assert seen == 1
    refused(2, 7, 1, 41, 32, seen)
    refused(2, 7, 1, 39, 32, seen)
    assert auth.replay(2, 7, 2, 3, 32, seen) == 0x11


def test_window_of_none_one_and_too_many():
    for window in (0, 1):
        refused(1, 40, 1, 39, window, 1)
        refused(1, 40, 1, 40, window, 0)
    refused(1, 40, 1, 40, 32, 0)  # the last pair never counts again, whatever `seen` says
    refused(1, 80, 1, 48, 1000, 1)
    assert auth.replay(1, 80, 1, 49, 1000, 1) == 0x80000001


def test_a_random_order_is_taken_at_most_once():
    number = 1
    for window in (0, 1, 2, 8, 31, 32):
        last = seen = 0
        taken = set()
        for _ in range(300):
            number = number * 1103515245 + 12345 & 0x7FFFFFFF
            msg = max(1, last - 36 + (number >> 16) % 40)
            try:
                seen = auth.replay(1, last, 1, msg, window, seen)
            except NotAuthentic:
                assert msg <= last and (msg in taken or last - msg >= max(window, 1))
                continue
            assert msg not in taken
            assert msg > last or last - msg < window
            taken.add(msg)
            last = max(last, msg)
