# Frozen modules of the stock firmware for the simulated board: those of rp2/boards/manifest.py that need no
# micropython-lib, which Debian's source package does not carry (left out: onewire, ds18x20, dht, neopixel).
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
