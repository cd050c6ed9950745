// The 2 MiB of flash; KiB from its start:
//
//       0                          640                             1792        2048
//       | firmware, frozen modules | file system (littlefs)        | tree      |
//                                  |<-------- storage area, rp2.Flash() ------>|
//
// The storage area is as large as in stock firmware. _boot.py gives the file system the first part of it, board.STORE
// names the rest; a host test holds the three against each other.
#define MICROPY_HW_BOARD_NAME "RP2040 with omadm"
#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)
