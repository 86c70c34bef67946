# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk both hosts boot from, its initial ram disk, and the key that opens the hosts.

The disk is the host root with three things laid over it: the kernel's modules, the files of
tests/testbed/host/, and the key. Hosts run on snapshots of it, so it never changes after it was made.
"""

import lzma
import os
import shutil
import textwrap

from . import kernel, modules, roots, state

DISK_SIZE = "3G"

# Modules of Debian's kernel that a host loads by name; the needs of the modules built here are added.
STOCK_MODULES = """
    virtio_blk virtio_net virtio-rng ext4 crc32c-intel 9p 9pnet_virtio overlay tun igb igbvf pci-pf-stub
""".split()
INITRD_MODULES = "virtio_blk ext4".split()

# Units that only cost time in a machine that lives for one test run.
MASKED_UNITS = """
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
    fstrim.timer logrotate.timer getty@tty1.service serial-getty@ttyS0.service sshd-keygen.service
    systemd-timesyncd.service systemd-pstore.service systemd-update-utmp.service systemd-random-seed.service
    systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-journal-flush.service
    systemd-user-sessions.service systemd-sysusers.service systemd-tpm2-setup.service
    systemd-tpm2-setup-early.service ldconfig.service dev-hugepages.mount sys-kernel-tracing.mount
    modprobe@drm.service modprobe@fuse.service libvirt-guests.service
""".split()

INIT = textwrap.dedent("""\
    #!/bin/busybox sh
    b=/bin/busybox
    $b mount -t devtmpfs dev /dev
    $b mount -t proc proc /proc
    $b mount -t sysfs sys /sys
    for m in $($b cat /modules/list); do $b insmod /modules/$m; done
    n=0
    while [ ! -b /dev/vda ] && [ $n -lt 400 ]; do $b sleep 0.05; n=$((n + 1)); done
    $b mount -t ext4 -o rw,noatime /dev/vda /mnt || exec $b sh
    $b mount --move /dev /mnt/dev
    $b umount /proc
    $b umount /sys
    exec $b switch_root /mnt /sbin/init
    """)


def directory():
    return state.directory() / "image"


def disk():
    return directory() / "hosts.ext4"


def initrd():
    return directory() / "initrd.gz"


def key():
    """The key that opens both hosts. It outlives the image: hosts that are up stay reachable."""
    return state.directory() / "key" / "id"


def build():
    state.make("key", "key of the hosts", key().parent, ["ed25519"], _build_key)
    made = [state.stamp_of(f"module-{name}") for name in modules.STOCK]
    inputs = [state.stamp_of("host-root"), state.stamp_of("kernel"), *made, DISK_SIZE, INIT,
              *STOCK_MODULES, *INITRD_MODULES, *MASKED_UNITS, key(), state.TESTBED / "host",
              state.TESTBED / "hosts" / "image.py"]
    state.make("image", "disk image of the hosts", directory(), inputs, _build)


def _build(path):
    path.mkdir(parents=True)
    root = path / "root"
    state.call(["cp", "-a", roots.host(), root], "copy of the host root", timeout=300)
    _add_modules(root)
    _add_initrd(path, root)
    _add_key(root)
    _add_files(root)
    _configure(root)
    state.call(["truncate", "-s", DISK_SIZE, path / "hosts.ext4"], "disk image", timeout=60)
    state.call(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard",
                "-d", root, path / "hosts.ext4"], "disk image", timeout=600)
    shutil.rmtree(root)


def _add_modules(root):
    """Debian's modules that are needed, and the rebuilt ones in updates/, which wins over the others."""
    release = kernel.release()
    source = kernel.image_root() / "lib/modules" / release
    target = root / "lib/modules" / release
    (target / "updates").mkdir(parents=True)
    state.call(["depmod", "-b", kernel.image_root(), release], "depmod of Debian's modules", timeout=120)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(source / name, target)
    fresh = [path for step in modules.STOCK for path in modules.built(step)]
    for path in fresh:
        shutil.copy(path, target / "updates")
    wanted = set(STOCK_MODULES) | _stock_needs(fresh)
    for path in _with_dependencies(kernel.image_root(), wanted):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        _copy_module(path, copy)
    state.call(["depmod", "-b", root, release], "depmod of the hosts' modules", timeout=120)


def _stock_needs(fresh):
    """The modules that FRESH ones depend on and that are not among them."""
    ours = {path.stem.replace("-", "_") for path in fresh}
    needs = set()
    for path in fresh:
        needs |= set(filter(None, state.call(["modinfo", "-F", "depends", path], "modinfo", 60).strip().split(",")))
    return {name for name in needs if name.replace("-", "_") not in ours}


def _with_dependencies(root, names):
    """The files of the modules NAMES below ROOT and of all they depend on, in the order of loading."""
    found = {}
    for name in names:
        listing = state.call(["modprobe", "-d", root, "-S", kernel.release(), "--show-depends", name],
                             f"module {name} of Debian's kernel", timeout=60)
        for line in listing.splitlines():
            word, _, path = line.strip().partition(" ")
            if word == "insmod":
                found[root / os.path.relpath(path.split()[0], root)] = True
    return list(found)


def _copy_module(path, copy):
    if path.suffix != ".xz":
        shutil.copy(path, copy)
        return
    copy.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))


def _add_initrd(path, root):
    tree = path / "initrd"
    for name in ("bin", "proc", "sys", "dev", "mnt", "modules"):
        (tree / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin")
    files = _with_dependencies(root, ["crc32c-intel", *INITRD_MODULES])
    for module in files:
        shutil.copy(module, tree / "modules")
    (tree / "modules/list").write_text("".join(f"{module.name}\n" for module in files))
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    state.call(["sh", "-c", 'cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 > "$2"', "sh", tree,
                path / "initrd.gz"], "initial ram disk", timeout=120)
    shutil.rmtree(tree)


def _build_key(path):
    path.mkdir(parents=True, mode=0o700)
    _generate_key(path / "id")


def _generate_key(path):
    state.call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "testbed", "-f", path],
               f"key {path.name}", timeout=60)


def _add_key(root):
    """The same key pair opens root on both hosts from here and from each other."""
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(key().with_suffix(".pub"), ssh / "authorized_keys")
    shutil.copy(key(), ssh / "id_ed25519")
    for stale in (root / "etc/ssh").glob("ssh_host_*"):
        stale.unlink()
    _generate_key(root / "etc/ssh/ssh_host_ed25519_key")


def _add_files(root):
    """Lay the tree tests/testbed/host over ROOT; nobody but root owns or writes it there."""
    tree = state.TESTBED / "host"
    for path in sorted(p for p in tree.rglob("*") if p.is_file()):
        target = root / path.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    for path in (root / "root/.ssh").iterdir():
        path.chmod(0o600)


def _configure(root):
    state.call(["chroot", root, "passwd", "-dq", "root"], "password of root", timeout=60)
    state.call(["chroot", root, "systemctl", "--quiet", "enable", "testbed-boot.service", "libvirtd-tcp.socket"],
               "units of the hosts", timeout=60)
    units = root / "etc/systemd/system"
    for name in MASKED_UNITS:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    (root / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 0\n")
    (root / "etc/machine-id").write_text("")
    for leftover in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / leftover)
