# The unix port that plays the device. Nothing from outside the MicroPython tree
# is linked (no libffi, no TLS library), so gcc, make and python3 build it.
PROG ?= micropython
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_PY_BTREE = 0
