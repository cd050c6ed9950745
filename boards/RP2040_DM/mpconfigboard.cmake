# An RP2040 with 2 MiB of flash, as the Raspberry Pi Pico has it; see mpconfigboard.h for the layout of the flash.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
include(${MICROPY_BOARD_DIR}/../microdot.cmake)
