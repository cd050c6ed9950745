# What is frozen into the interpreter of the simulated device: what a board freezes, and its program.
include("../../boards/manifest.py")
module("program.py", opt=2)
module("norfile.py", opt=2)
module("demo_app.py", opt=2)
