"""A slice of the fuzzing on both interpreters, and everything it ever found."""

import subprocess
import sys

import pytest
import sealed
from conftest import ROOT
from flow import lockstep
from fuzz import cases, radio_cases, radio_device, run
from fuzz.device import Device
from omadm import client, reassembly, sms, transaction

KEPT = sorted(run.CORPUS.glob("*.txt"))


@pytest.fixture(scope="session")
def board(micropython):
    """Device code compiled for MicroPython."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "mpy.py"), "--tests"], check=True)


@pytest.mark.parametrize("first", range(1, 2001, run.ROUND))
def test_slice(first, board, tmp_path):
    told = []
    fuzzer = run.Fuzzer(told.append, tmp_path)
    fuzzer.round(first, run.ROUND, tmp_path)
    assert fuzzer.figures == {"runs": run.ROUND, "pdus": 0, **dict.fromkeys(run.FIGURES, 0)}, told


def test_slice_of_sms(board, tmp_path):
    told = []
    fuzzer = run.Fuzzer(told.append, tmp_path)
    fuzzer.radio_round(1, radio_device.ROUND, tmp_path)
    pdus = fuzzer.figures.pop("pdus")
    assert fuzzer.figures == {"runs": radio_device.ROUND, **dict.fromkeys(run.FIGURES, 0)}, told
    assert pdus > 1500


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_stays_mended(path, board, tmp_path):
    wrong, _ = run.again(path, tmp_path)
    assert wrong == []


# --- the fuzzer sees what it looks for


def figures(seeds, counted=False):
    """What a device is found to do wrong in these cases."""
    device = Device()
    return {text.split(": ")[-1] for seed in seeds for _, text in device.case(seed, counted)}


def test_it_sees_a_client_that_trusts_everybody(monkeypatch):
    monkeypatch.setattr(client.auth, "check_mac", lambda header, digest, accounts: accounts[0])
    assert "behind the trust line without a proof" in figures(range(200))


def test_it_sees_an_exception(monkeypatch):
    monkeypatch.setattr(transaction.Transaction, "delete", lambda self, nid: b""[nid])
    assert "IndexError('index out of range')" in figures(range(400))


def test_it_sees_a_refusal_that_writes(monkeypatch):
    begin = transaction.Transaction.begin

    def leaves_the_index(self, *arguments):
        self.store.undo_len = 0
        begin(self, *arguments)

    monkeypatch.setattr(transaction.Transaction, "begin", leaves_the_index)
    assert "refused and changed the index" in figures(range(400))


def test_it_counts_steps(monkeypatch):
    monkeypatch.setattr("fuzz.device.STEPS_AT_ALL", 100)
    monkeypatch.setattr("fuzz.device.STEPS_PER_OCTET", 1)
    assert any("lines for" in text for text in figures(range(20), counted=True))


def test_it_sees_another_outcome_under_micropython(board, tmp_path):
    device = Device()
    assert device.works() == [] == run.on_board(device, tmp_path)
    device.outcomes[0] = ("Malformed", 999, ())
    assert run.on_board(device, tmp_path)[0][0] == "wrong"


def test_cases_are_what_they_say():
    kinds = {}
    for seed in range(1000):
        device = lockstep.SERVERS[b"A"]
        kind, body, header = cases.case(seed, lambda server: (1, 1))
        assert cases.case(seed, lambda server: (1, 1)) == (kind, body, header)
        proof = {device.header(body), lockstep.SERVERS[b"B"].header(body)}
        if kind in ("signed", "forged"):
            assert b"SignatureValue" in body or kind == "forged"
            assert header in proof if header else kind == "forged" or sealed.canonical(body)
        else:
            assert (header in proof) == (kind not in cases.UNPROVED)
        kinds[kind] = kinds.get(kind, 0) + 1
    assert set(kinds) == set(cases.KINDS) and min(kinds.values()) > 20, kinds


# --- and the one of SMS


def radio_figures(seeds):
    device = radio_device.RadioDevice()
    return {text.split(": ")[-1] for seed in seeds for _, text in device.case(seed, False)}


def test_it_sees_an_exception_in_sms(monkeypatch):
    monkeypatch.setattr(sms.Deliver, "_header", lambda self, pdu, at: b""[at])
    assert "IndexError('index out of range')" in radio_figures(range(9))


def test_it_sees_a_part_that_is_lost(monkeypatch):
    monkeypatch.setattr(reassembly.Reassembler, "_remove", lambda self, m, *more: setattr(m, "total", 0))
    assert any("slots" in text for text in radio_figures(range(99)))


def test_cases_of_sms_are_what_they_say():
    kinds = {radio_cases.case(seed, lambda server: (1, 1))[0] for seed in range(200)}
    assert kinds == set(radio_cases.KINDS)
    assert radio_cases.case(7, lambda server: (1, 1)) == radio_cases.case(7, lambda server: (1, 1))
