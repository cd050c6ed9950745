"""docs/security.md is what the list of defences says, and every patch of the list applies."""

import ast
import re

from conftest import ROOT
from defences import DEFENCES, THREATS
from page import page


def test_the_page_is_what_the_list_says():
    text = (ROOT / "docs" / "security.md").read_text()
    assert text == page(), "run `python host_tests/mutants/run.py --page`"


def test_every_threat_has_a_defence_and_every_name_is_one():
    names = [one.name for one in DEFENCES]
    assert len(names) == len(set(names))
    assert {one.threat for one in DEFENCES} == {threat.name for threat in THREATS}


def test_every_patch_applies_and_leaves_a_program():
    for one in DEFENCES:
        text = (ROOT / one.file).read_text()
        assert text.count(one.old) == 1, (
            f"{one.name}: its lines occur {text.count(one.old)} times in {one.file}"
        )
        ast.parse(text.replace(one.old, one.new))


def test_every_test_is_there():
    for one in DEFENCES:
        file, _, name = one.test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / "host_tests" / file).read_text(), re.M), one.test
