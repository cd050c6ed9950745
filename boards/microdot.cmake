# boards/manifest.py freezes Microdot from a folder that the build names; without a name it is the one of .venv.
if(NOT MICROPY_MANIFEST_MICRODOT_DIR)
    file(GLOB _microdot "${CMAKE_CURRENT_LIST_DIR}/../.venv/lib/python3*/site-packages/microdot")
    if(NOT _microdot)
        message(FATAL_ERROR "Microdot is missing: run `make setup`, or give -DMICROPY_MANIFEST_MICRODOT_DIR=FOLDER")
    endif()
    list(GET _microdot 0 _microdot)
    get_filename_component(MICROPY_MANIFEST_MICRODOT_DIR ${_microdot} DIRECTORY)
endif()
