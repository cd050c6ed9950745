# dmcrypto for ports that are built with make: give USER_C_MODULES=.../firmware. A port with TLS by mbedTLS
# links what is needed; for one without (the interpreter that plays the device) it is added here.
DMCRYPTO_DIR := $(USERMOD_DIR)
SRC_USERMOD += $(DMCRYPTO_DIR)/dmcrypto.c
CFLAGS_USERMOD += -I$(TOP)/lib/mbedtls/include

ifneq ($(MICROPY_SSL_MBEDTLS),1)
MBEDTLS_CONFIG := $(DMCRYPTO_DIR)/mbedtls_config.h
SRC_THIRDPARTY_C += $(addprefix lib/mbedtls/library/,\
	bignum.c bignum_core.c block_cipher.c constant_time.c ecdsa.c ecp.c ecp_curves.c gcm.c md.c oid.c rsa.c \
	rsa_alt_helpers.c sha256.c)
CFLAGS_USERMOD += -DMBEDTLS_CONFIG_FILE='"$(MBEDTLS_CONFIG)"'
endif
