# What every board freezes: asyncio, Microdot, omadm and the firmware around it. The simulated device
# freezes the same. A board's own manifest includes this one and adds its board.py, and the
# application, boot.py and main.py if they are to be frozen too.
#
# $(MICRODOT_DIR) is the folder that holds microdot/ (site-packages of .venv); the build names it.
include("$(MPY_DIR)/extmod/asyncio")
package("microdot", files=("__init__.py", "microdot.py"), base_path="$(MICRODOT_DIR)", opt=2)
package("omadm", base_path="../lib", opt=2)
package("device", base_path="../firmware", opt=2)
module("dm.py", base_path="../firmware", opt=2)
