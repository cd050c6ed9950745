# What is frozen into the interpreter: asyncio, and nothing of omadm.
include("$(MPY_DIR)/extmod/asyncio")
