# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian root file systems: the builder's, with compilers, the hosts', with libvirt and QEMU, and one with Nova.

All come from the mirror that this machine's apt is configured with.
"""

import concurrent.futures
import shutil
import subprocess

from . import state

SUITE = "trixie"

# What compiles the kernel modules and accmig itself.
BUILDER_PACKAGES = """
    gcc make libc6-dev pkg-config xz-utils kmod linux-headers-amd64
    meson ninja-build gettext libglib2.0-dev libjson-glib-dev libxml2-dev libyaml-dev libsqlite3-dev libsystemd-dev
    libvirt-dev libvirt-glib-1.0-dev nettle-dev
""".split()

# What a host needs to run domains, to run accmig and to be looked into by a test.
HOST_PACKAGES = """
    systemd-sysv udev dbus polkitd kmod iproute2 procps pciutils psmisc netbase openssh-server
    libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils
    libvirt-glib-1.0-0 libjson-glib-1.0-0 libsqlite3-0 libxml2 libyaml-0-2 libnettle8t64
    python3-minimal python3-libvirt jq sqlite3 strace socat
""".split()

# What reads provider configuration files, as on a compute node. No service is in it.
NOVA_PACKAGES = ["python3-nova"]

DPKG_OPTIONS = [f"path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
APT_OPTIONS = ['Apt::Install-Recommends "false"', 'Acquire::Check-Valid-Until "false"']

BUILD_LIMIT = 1800

# Mounts made inside a root must never be seen from outside it, where a later run may remove the tree, and
# nothing may go on there after the command that was waited for, or the testbed itself, is gone.
PRIVATE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid", "--fork",
           "--kill-child"]


def mirror():
    """The first Debian archive apt knows that is not the one for security updates."""
    listing = state.call(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
        "mirror of apt", timeout=60)
    for line in listing.splitlines():
        uri, _, words = line.partition(" ")
        if words.strip() in ("Debian Debian", ""):
            return uri.rstrip("/")
    raise state.Error("apt is configured with no Debian archive (apt-get indextargets lists none)")


def builder():
    return state.directory() / "builder"


def host():
    return state.directory() / "host-root"


def nova():
    return state.directory() / "nova-root"


def build_nova():
    """Make the root with Nova, which only its own test needs."""
    _build_one("nova-root", "root file system with Nova", nova(), NOVA_PACKAGES)


def build():
    """Make the builder's and the hosts' root, at the same time."""
    jobs = (
        ("builder", "builder root file system", builder(), BUILDER_PACKAGES),
        ("host-root", "host root file system", host(), HOST_PACKAGES),
    )
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for job in [pool.submit(_build_one, *job) for job in jobs]:
            job.result()


def _build_one(name, what, path, packages):
    def bootstrap(fresh):
        _bootstrap(fresh, packages)

    inputs = [SUITE, *sorted(packages), *DPKG_OPTIONS, *APT_OPTIONS]
    state.make(name, what, path, inputs, bootstrap, note=SUITE)


def _bootstrap(path, packages):
    state.call(
        [*PRIVATE, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}",
         *[f"--dpkgopt={option}" for option in DPKG_OPTIONS],
         *[f"--aptopt={option}" for option in APT_OPTIONS],
         SUITE, path, f"deb {mirror()} {SUITE} main"],
        f"root file system {path.name.strip('.')}", timeout=BUILD_LIMIT)


def run_in_builder(argv, what, timeout, **options):
    """Run ARGV inside the builder root."""
    return run_in(builder(), argv, what, timeout, **options)


def run_in(root, argv, what, timeout, binds=(), writable=(), network=False, workdir="/"):
    """Run ARGV inside ROOT.

    BINDS are (outside, inside) directories seen there read-only, WRITABLE the same with write access; they
    live in a mount namespace of the command's own. The network is there only when asked for."""
    script = ["set -e", f"mount -t proc proc {root}/proc"]
    for pairs, options in ((binds, "ro,bind"), (writable, "rw,bind")):
        for outside, inside in pairs:
            (root / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
            script += [f"mount --bind '{outside}' '{root}{inside}'",
                       f"mount -o remount,{options} '{root}{inside}'"]
    if network:
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", root / "etc" / name)
    script.append(f'exec chroot {root} env -C "{workdir}" HOME=/root LC_ALL=C.UTF-8 "$@"')
    return state.call(
        [*PRIVATE, *([] if network else ["--net"]), "sh", "-c", "\n".join(script), "sh", *argv], what, timeout)
