"""A slice of the fuzzing, and everything it ever found."""

import re

import pytest
from fuzz import run as fuzz

KEPT = sorted(int(path.stem) for path in fuzz.CORPUS.glob("*.txt"))


@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_slice(first):
    device = fuzz.Device()
    for seed in range(first, first + 100):
        assert device.push(seed, seed % 8 == 0) == [], f"python3 host_tests/fuzz/run.py --only {seed}"
    assert device.works()


@pytest.mark.parametrize("seed", KEPT or [1])
def test_what_was_found_stays_mended(seed):
    assert fuzz.Device().push(seed, True) == []


def test_heap_is_flat_under_micropython(micropython, tmp_path):
    assert fuzz.on_board(5000, 300, tmp_path / "cases.txt") == (0, "")


def test_the_fuzzer_sees_a_client_without_its_defences(monkeypatch):
    """Without the MAC, stolen bodies are applied; without staging, refused ones change the tree."""
    from omadm import client

    def trust_everybody(header, digest, accounts):
        return accounts[0]

    module = client.auth if hasattr(client, "auth") else client
    monkeypatch.setattr(module, "check_mac", trust_everybody)
    device = fuzz.Device()
    found = [text for seed in range(200) for _, text in device.push(seed, False)]
    assert any(re.search("without a proof", text) for text in found)


def test_the_fuzzer_counts_steps(monkeypatch):
    monkeypatch.setattr(fuzz, "STEPS_BASE", 100)
    monkeypatch.setattr(fuzz, "STEPS_OCTET", 0)
    found = {figure for seed in range(20) for figure, _ in fuzz.Device().push(seed, True)}
    assert found == {"over_step_limit"}
