"""Which checks of this folder are long: `make interop` runs them, `make test` the others."""

import os

import pytest

long = pytest.mark.skipif(not os.environ.get("OMADM_INTEROP"), reason="long; make interop runs it")
