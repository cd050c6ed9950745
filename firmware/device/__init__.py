# What exists only on a chip or at run time: receivers, storage, clock. Nothing runs at import.
