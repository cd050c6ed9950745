"""What `import micropython` gives device code when it runs under CPython."""


def const(value):
    """Return the value: the compiler of MicroPython folds it, CPython does not."""
    return value


def native(function):
    """Return the function as it is."""
    return function


def viper(function):
    """Return the function as it is."""
    return function
