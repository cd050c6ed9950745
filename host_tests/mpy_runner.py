# Runs the test functions of one file under MicroPython:
#
#     micropython -X heapsize=1m host_tests/mpy_runner.py host_tests/pure/test_uri.py
#     micropython -X heapsize=128k host_tests/mpy_runner.py --mpy build/mpy host_tests/pure/test_uri.py
#
# The first form compiles sources as it goes; the second takes everything compiled from
# the folder that `make mpy` fills, as a board does: in 64 KiB (128k here, where a word
# has 64 bits) there is no room for a compiler's tree. A name behind the file runs only
# the tests whose names contain it.
#
# One line and a traceback for each failure, then `N passed, M failed`; exit 1 on failure.
import gc
import sys


def places(here, file):
    """Return what goes on sys.path, and the name of the test module."""
    cut = file.rfind("/")
    name = file[cut + 1 :].rsplit(".", 1)[0]
    if here:
        return [here + "/" + part for part in ("lib", "firmware", "fakes", "pure")], name
    me = sys.argv[0]
    tests = me[: me.rfind("/")] if "/" in me else "."
    root = tests + "/.."
    folder = file[:cut] if cut > 0 else "."
    return [root + "/lib", root + "/firmware", tests + "/fakes", tests + "/pure", folder], name


def tests_of(module, part):
    """Return the names of its tests in the order of the alphabet."""
    return sorted(name for name in dir(module) if name.startswith("test_") and part in name)


def main(arguments):
    here = None
    if arguments[:1] == ["--mpy"]:
        here = arguments[1]
        arguments = arguments[2:]
    if not arguments:
        print("usage: mpy_runner.py [--mpy FOLDER] FILE [PART OF A NAME]")
        return 2
    paths, name = places(here, arguments[0])
    for path in reversed(paths):
        sys.path.insert(0, path)
    module = __import__(name)
    passed = failed = 0
    for test in tests_of(module, arguments[1] if len(arguments) > 1 else ""):
        gc.collect()
        try:
            getattr(module, test)()
            passed += 1
        except Exception as problem:
            failed += 1
            print("FAILED " + name + "." + test)
            sys.print_exception(problem)
    if passed + failed == 0:
        print("no test in " + arguments[0])
        return 1
    print(passed, "passed,", failed, "failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
