// Feature level and unix extras of MicroPython's own standard variant, without TLS.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#include "ports/unix/variants/mpconfigvariant_common.h"

// Boards have it with their TLS library, so the interpreter that plays one has it too.
#define MICROPY_PY_CRYPTOLIB (1)
