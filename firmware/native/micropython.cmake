# dmcrypto for ports that are built with CMake (rp2, esp32): give
# -DUSER_C_MODULES=.../firmware/native/micropython.cmake. Both ports link mbedTLS anyway: rp2 that of
# MicroPython's tree, esp32 that of ESP-IDF, which uses the chip's engine for big numbers.
add_library(usermod_dmcrypto INTERFACE)
target_sources(usermod_dmcrypto INTERFACE ${CMAKE_CURRENT_LIST_DIR}/dmcrypto.c)
target_include_directories(usermod_dmcrypto INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_dmcrypto)
