# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux guest that drives its VF itself: Debian's kernel, the kernel's own hisi_sec2, and busybox.

The small guest has no driver, so a knob of accsim plays one. Here nothing is played: hisi_sec2 starts the VF
by mailbox, and goes on asking it for the context of its event queue, which accsim writes into the guest's
memory. An answer after a migration is an answer of the destination's VF. Booting takes minutes, since this
is emulation within emulation.
"""

import lzma
import pathlib
import re
import shutil
import textwrap

from . import kernel, modules, state

# The memory is what the kernel needs to unpack itself; the words only leave out what costs time when booting.
MEMORY_MIB = 192
CMDLINE = "console=ttyS0 loglevel=4 nokaslr mitigations=off audit=0 no_timer_check cryptomgr.notests panic=-1"

# Where the hosts find what is made here.
KERNEL = "/share/linux-guest/vmlinuz"
INITRD = "/share/linux-guest/initrd.gz"

DRIVERS = ("hisi_qm", "hisi_sec2")

# The beat is the small guest's. The driver's word is asked for by its debugfs file "cmd".
INIT = textwrap.dedent("""\
    #!/bin/busybox sh
    b=/bin/busybox
    $b mount -t devtmpfs dev /dev
    $b mount -t sysfs sys /sys
    $b mount -t debugfs debug /sys/kernel/debug
    exec > /dev/ttyS0 2>&1
    driver_says() {
        for path in /sys/bus/pci/drivers/hisi_sec2/0000:*; do
            if echo eqc > "/sys/kernel/debug/hisi_sec2/${path##*/}/qm/cmd"; then
                echo "driver $1"
            else
                echo "driver silent"
            fi
        done
    }
    echo "boot linux $($b uname -r)"
    for m in $($b cat /modules/list); do $b insmod /modules/$m; done
    driver_says ready
    n=0
    while :; do
        n=$((n + 1))
        echo "beat $n"
        [ $((n % 5)) -ne 0 ] || driver_says bound
        $b sleep 1
    done
    """)


def build():
    """Make kernel and initial ram disk and share them with the hosts; pair.build() comes first."""
    inputs = [state.stamp_of("kernel"), state.stamp_of("module-hisi"), INIT, *DRIVERS, pathlib.Path("/bin/busybox")]
    made = state.make("linux-guest", "Linux guest", state.directory() / "linux-guest", inputs, _build)
    shared = state.subdirectory("share/linux-guest")
    for path in (kernel.vmlinuz(), made / "initrd.gz"):
        shutil.copyfile(path, shared / path.name)


def _build(path):
    tree = path / "initrd"
    for name in ("bin", "sys", "dev", "modules"):
        (tree / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin")
    names = [_add_module(tree / "modules", module) for module in _modules()]
    (tree / "modules/list").write_text("".join(f"{name}\n" for name in names))
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    state.call(["sh", "-c", 'cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 > "$2"', "sh", tree,
                path / "initrd.gz"], "initial ram disk of the Linux guest", timeout=120)
    shutil.rmtree(tree)


def _modules():
    """The files of the modules in the order of loading: what the drivers need of Debian's kernel, then the drivers."""
    made = {path.stem: path for path in modules.built("hisi")}
    missing = [name for name in DRIVERS if name not in made]
    if missing:
        raise state.Error(f"drivers of the Linux guest: {missing} wanted, built were {sorted(made)}")
    drivers = [made[name] for name in DRIVERS]
    needs = set()
    for path in drivers:
        listing = state.call(["modinfo", "-F", "depends", path], f"needs of {path.name}", timeout=60)
        needs |= set(filter(None, listing.strip().split(","))) - set(DRIVERS)
    stock = {path: True for name in sorted(needs) for path in _stock_module(name)}
    return [*stock, *drivers]


def _stock_module(name):
    """The file of a module of Debian's kernel, after those of the modules it depends on."""
    root = kernel.image_root()
    listing = state.call(["modprobe", "-d", root, "-S", kernel.release(), "--show-depends", name],
                         f"module {name} of Debian's kernel", timeout=60)
    return [pathlib.Path(path) for path in re.findall(r"^insmod (\S+)", listing, re.MULTILINE)]


def _add_module(folder, path):
    """Put a module into FOLDER, unpacked; returns its name there."""
    if path.suffix == ".xz":
        (folder / path.stem).write_bytes(lzma.decompress(path.read_bytes()))
        return path.stem
    shutil.copy(path, folder)
    return path.name
