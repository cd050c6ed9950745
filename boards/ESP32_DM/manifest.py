# What is frozen: the port's modules, this board's board.py, and what every board has. Not main.py and
# app.py: a frozen main.py would always win over one on the file system, and those are yours.
freeze("$(PORT_DIR)/modules")
module("board.py", base_path="$(BOARD_DIR)", opt=2)
include("../manifest.py")
