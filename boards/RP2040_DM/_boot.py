# Takes the place of the port's _boot.py: mounts the file system on the first part of the storage area
# only, so that the rest of it is the tree's own (board.STORE). A file system of stock firmware, which has
# the whole area, is mounted as it is and never formatted: then the region cannot be used until the files
# have been copied away and the file system is made anew, by erasing its first two blocks:
#
#     import rp2, machine; [rp2.Flash().ioctl(6, n) for n in (0, 1)]; machine.reset()
import vfs
from micropython import const
from rp2 import Flash

_FILES = const(1152 * 1024)  # octets; board.STORE begins there

fs = None
for device in (Flash(start=0, len=_FILES), Flash()):
    try:
        fs = vfs.VfsLfs2(device, progsize=256)
        break
    except OSError:
        pass  # none there, or of another size
if fs is None:
    device = Flash(start=0, len=_FILES)
    vfs.VfsLfs2.mkfs(device, progsize=256)
    fs = vfs.VfsLfs2(device, progsize=256)
vfs.mount(fs, "/")
del vfs, Flash, const, fs, device
