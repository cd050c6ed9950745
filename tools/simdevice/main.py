# A device without a board: the firmware's own parts under the unix port of MicroPython, its flash
# an image file, its pushes over real HTTP. `dmtool device run` starts it; by hand, after `make mpy`:
#
#   build/micropython/micropython-device -X heapsize=128k \
#       tools/simdevice/main.py --image FLASH.img --http 4035
#
# 128k of heap here are 64 KiB on a board, where words are half as long. Options: program.py.
#
# The code is frozen into the interpreter, as on a board (tools/build/simdevice.py). One that has
# nothing frozen takes it from build/mpy into its heap, and wants 256k.
import sys

here = sys.argv[0]
here = here[: here.rfind("/")] if "/" in here else "."
sys.path[:] = [".frozen"]
for folder in ("simdevice", "firmware", "lib"):
    sys.path.append(here + "/../../build/mpy/" + folder)
try:
    from program import main
except ImportError as e:
    print("simdevice:", e, "- run `make mpy`")
    sys.exit(1)
sys.exit(main())
