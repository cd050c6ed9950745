"""m20 and m100 signed as a whole, by hmac-sha256, rsa-sha256 and ecdsa-sha256, without a MAC header.

`prove_us` is the proof alone: canonical XML from the tokens, its hash, the value of the signature.
`total_us` is all of it, from the first octet received to the outcome. `heap_needed` is what the proof
takes at least, in one piece and nothing anywhere else, found by trying. The same again with the native
module, on its own firmware.
"""

import dataclasses
import tempfile
from pathlib import Path
from unittest import mock

import signed as vectors
from bench import content, lab, trees
from bench.measure_messages import APPLIED, HEAPS, NODES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from dmtool import commands, compose, image, provision, signing
from dmtool.account import Account

SIZES = (20, 100)


def _rsa():
    # The key of the tests: the same in every run, so that the figures are.
    numbers = load_der_public_key(vectors.RSA2048).public_numbers()
    d = int.from_bytes(vectors.RSA2048_PRIVATE, "big")
    p, q = rsa.rsa_recover_prime_factors(numbers.n, numbers.e, d)
    parts = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *parts, numbers).private_key()


def _ecdsa(key, octets):
    made = key.sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(made))


def signers():
    """Return {proof: (account, signer)}."""
    key, curve = _rsa(), ec.derive_private_key(0x1234567, ec.SECP256R1())
    mine = content.ACCOUNT
    found = {"hmac": (mine, signing.hmac_signer(mine.auth_name, mine.key, mine.nonce))}
    for proof, private, sign in (
        ("rsa", key, lambda octets: key.sign(octets, padding.PKCS1v15(), hashes.SHA256())),
        ("ecdsa", curve, lambda octets: _ecdsa(curve, octets)),
    ):
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        account = Account(
            f"com.example.{proof}", mine.device_id, f"srv-{proof}", proof=proof, public_key=public
        )
        found[proof] = account, signing.Signer(proof, account.auth_name, sign)
    return found


def case(proof, count, known):
    """Return m`count` signed with a proof."""
    account, signer = known[proof]
    account = dataclasses.replace(account, session_id=1, msg_id=1)
    words = [f"replace {content.name(i)}:chr,text/plain={content.new(i)}" for i in range(count)]
    parts = compose.prepare(commands.block("Atomic", commands.parse(words)))
    octets = compose.build(account, parts, signer=signer)
    return content.Case(f"{proof}{count}", octets, "", content.name(count - 1), content.new(count - 1))


def region(known):
    """Return a tree of NODES and two accounts more."""
    with (
        tempfile.TemporaryDirectory() as place,
        mock.patch.object(image.time, "time", return_value=trees.TIME),
    ):
        path = Path(place) / "flash.img"
        path.write_bytes(trees.of(NODES)[0])
        for proof in ("rsa", "ecdsa"):
            provision.provision(path, known[proof][0])
        return path.read_bytes()


def measure(board=lab.OURS, proofs=("hmac", "rsa"), prefix="signed"):
    """Return the figures of one firmware."""
    known = signers()
    cases = {(proof, count): case(proof, count, known) for proof in proofs for count in SIZES}
    files = {}
    for one in cases.values():
        files |= one.files
    scripts = [f"on_board/{name}.py" for name in ("ours", "scarce")]
    figures = {}
    with lab.Lab(board, *scripts, files=files, region=region(known)) as chip:
        for (proof, count), one in cases.items():
            start = f"{prefix}_{proof}.m{count}"
            figures[f"{start}.octets"] = len(one.octets)
            chip.fresh("ours")
            figures[f"{start}.prove_us"] = chip.ask(f"ours.prove({one.name!r})")
            chip.fresh("ours")
            total, _, told = chip.ask(f"ours.total({one.name!r})")
            if told != APPLIED:
                raise AssertionError(f"{start}: the outcome is {told}")
            if chip.ask(f"print(ours.client.get({one.where.encode()!r}))") != one.value.encode():
                raise AssertionError(f"{start} was not applied")
            figures[f"{start}.total_us"] = total
            figures[f"{start}.heap_needed"] = _heap(chip, one.name)
    return figures


def native():
    """Return the figures with the native module."""
    return measure(lab.NATIVE, ("rsa", "ecdsa"), "native")


def _heap(chip, name):
    low, high = 0, len(HEAPS) - 1
    while high - low > 1:
        middle = (low + high) // 2
        chip.fresh("scarce")
        if chip.ask(f"scarce.proves({name!r}, {HEAPS[middle]})"):
            high = middle
        else:
            low = middle
    return HEAPS[high]
