# Helpers of the tests in this folder; they run under CPython and MicroPython, without pytest.

try:
    from pytest import mark

    row = mark.row
except ImportError:  # under MicroPython a mark is nothing

    def row(*rows, negative=False):
        """Mark a test with the rows of docs/conformance.md that it shows."""
        return lambda test: test


def raises(exc, code, fn, *args):
    """Call fn(*args), which must raise exc with args == (code,); code None: any code."""
    try:
        fn(*args)
    except exc as e:
        if code is not None:
            assert e.args == (code,), (e.args, code, args)
        return e
    raise AssertionError("nothing raised", args)


def each_split(data):
    """Yield lists of pieces of data: whole, octet by octet, and split in two at every point."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    for i in range(len(data) + 1):
        yield [data[:i], data[i:]]
