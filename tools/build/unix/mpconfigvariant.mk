# The unix port that plays the device. No library of the machine is linked (no libffi, no
# TLS), so gcc, make and python3 build it.
PROG ?= micropython
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_PY_BTREE = 0

# AES for cryptolib: the files of mbedTLS that boards have it from, and no more of it.
SRC_THIRDPARTY_C += lib/mbedtls/library/aes.c lib/mbedtls/library/platform_util.c
# The native module (firmware/native) needs more of it, and names its own configuration.
MBEDTLS_CONFIG = $(VARIANT_DIR)/mbedtls_aes.h
AES_CFLAGS = -DMICROPY_SSL_MBEDTLS=1 -I$(TOP)/lib/mbedtls/include -DMBEDTLS_CONFIG_FILE='"$(MBEDTLS_CONFIG)"'
$(BUILD)/extmod/modcryptolib.o: CFLAGS += $(AES_CFLAGS)
$(BUILD)/lib/mbedtls/library/%.o: CFLAGS += $(AES_CFLAGS) -Wno-all -Wno-extra
