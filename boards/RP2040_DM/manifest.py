# What is frozen: the port's rp2 module, our _boot.py in place of the port's, this board's board.py, and
# what every board has. Not main.py and app.py: a frozen main.py would always win over one on the file
# system, and those are yours.
freeze("$(PORT_DIR)/modules", "rp2.py", opt=3)
module("_boot.py", base_path="$(BOARD_DIR)", opt=3)
module("board.py", base_path="$(BOARD_DIR)", opt=2)
include("../manifest.py")
