# Every target works on a fresh machine: what it needs is set up first, once.
# `make` alone prints the list below, from the `##` comments.

PYTHON3 ?= python3
PYTHON := .venv/bin/python
SECONDS ?= 60
BOARD ?= RP2040_DM
export PYTHONDONTWRITEBYTECODE = 1
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup micropython mpy demo test lint stubs format pytest powercut fuzz size firmware native deploy \
	test-board bench interop conformance mutants clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: .venv/stamp ## .venv with exact versions of everything, and .venv/bin/dmtool

.venv/stamp: requirements.txt pyproject.toml tools/build/setup.py
	@$(PYTHON3) tools/build/setup.py
	@touch $@

micropython: .venv/stamp ## the MicroPython that plays the device: from PATH, else built (half a minute, once)
	@$(PYTHON3) tools/build/interpreter.py

mpy: micropython ## what a device runs, compiled to build/mpy and frozen into the simulated device
	@$(PYTHON) tools/build/mpy.py
	@$(PYTHON) tools/build/simdevice.py

demo: mpy ## the main job, step by step, on a simulated device
	@.venv/bin/dmtool demo

test: pytest lint ## everything that needs no hardware

lint: .venv/stamp stubs ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

stubs: .venv/stamp ## device code against what MicroPython's esp32 and rp2 ports offer, oldest and newest (mypy)
	@$(PYTHON) tools/build/stubs.py

format: .venv/stamp ## rewrites the layout of the Python files as `make lint` wants it
	@.venv/bin/ruff check -q --select I --fix .
	@.venv/bin/ruff format .

pytest: mpy
	@$(PYTHON) tools/build/mpy.py --tests
	@.venv/bin/pytest -m "not slow"

powercut: mpy ## the power cut around and inside every flash operation; writes build/powercut.json
	@$(PYTHON) host_tests/powercut/run.py

fuzz: mpy ## mutated and random pushes for SECONDS=60; writes build/fuzz.json
	@$(PYTHON) host_tests/fuzz/run.py --seconds $(SECONDS)

size: micropython ## octets of .mpy of each module of lib/omadm, and how far the goal is
	@$(PYTHON) tools/build/size.py

firmware: setup ## firmware of BOARD=RP2040_DM (RPI_PICO, ESP32_DM) to build/firmware; NATIVE=1, MPY_DIR=checkout
	@$(PYTHON) tools/build/firmware.py $(if $(NATIVE),--native) $(BOARD)

native: mpy ## the native module (firmware/native) in the unix port, and every test of signatures in it
	@$(PYTHON) tools/build/native.py --test

deploy: micropython ## onto the board at PORT=/dev/ttyACM0, with mpremote: what it lacks, each file proven
	@test -n "$(PORT)" || { echo "deploy: say where the board is: make deploy PORT=/dev/ttyACM0"; exit 2; }
	@$(PYTHON) tools/build/deploy.py $(PORT) $(DEPLOY)

test-board: mpy ## the real firmware on a simulated RP2040: installing, power cuts, wear; build/test-board.json
	@$(PYTHON) tools/build/firmware.py RPI_PICO RP2040_DM
	@.venv/bin/pytest host_tests/target
	@$(PYTHON) host_tests/target/run.py

bench: mpy ## what it costs, beside its peers, on the simulated RP2040; build/bench.json; BASELINE=new keeps it
	@$(PYTHON) host_tests/bench/run.py $(if $(filter new,$(BASELINE)),--new-baseline)

interop: mpy ## with other people's software (libwbxml, Kannel, Gammu, gsmmodem, tshark, xmlsec1, signxml); build/interop.json
	@$(PYTHON) host_tests/interop/run.py

conformance: mpy ## every statement of the standard, and its tests: docs/conformance.md, build/conformance.json
	@$(PYTHON) tools/build/mpy.py --tests
	@$(PYTHON) host_tests/conformance/run.py

mutants: micropython ## each defence of docs/security.md taken out in turn, and its test failing; build/mutants.json
	@$(PYTHON) host_tests/mutants/run.py

clean: ## removes what was made, but not MicroPython and .venv
	rm -rf build/mpy build/*.json build/*.log .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find lib firmware boards host_tests tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## removes everything that git does not know
	rm -rf build .venv *.egg-info
