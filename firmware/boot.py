# Nothing to do before main.py: it mounts the tree itself, and survives when that fails.
