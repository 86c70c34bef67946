# SPDX-License-Identifier: GPL-2.0-or-later
"""Moving a guest's device behind the back of its QEMU, through a duplicate of QEMU's file descriptor."""

import shlex

STATES = {"stop": 1, "running": 2}

# One device only: which of several descriptors is whose cannot be told from /proc.
SCRIPT = """
import ctypes, fcntl, os, struct, sys
pid, state = int(sys.argv[1]), int(sys.argv[2])
found = [fd for fd in os.listdir(f"/proc/{pid}/fd") if "vfio-device" in os.readlink(f"/proc/{pid}/fd/{fd}")]
[fd] = found
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, pid, 0)            # pidfd_open
mine = libc.syscall(438, pidfd, int(fd), 0)  # pidfd_getfd
assert mine >= 0, os.strerror(ctypes.get_errno())
# VFIO_DEVICE_FEATURE: argsz, SET | MIG_DEVICE_STATE, state, data fd
fcntl.ioctl(mine, 0x3B75, bytearray(struct.pack("IIIi", 16, 1 << 17 | 2, state, -1)))
"""


def set_state(host, domain, state):
    """Set the only device of DOMAIN to STATE; its QEMU does not notice."""
    host.run(shlex.join(["python3", "-c", SCRIPT, str(host.qemu_pid(domain)), str(STATES[state])]))
