# SPDX-License-Identifier: GPL-2.0-or-later
"""The hosts' kernel: Debian's image as it is, and the parts of its source that modules are built from."""

import shutil

from . import roots, state

# Directories and files of the kernel source that are compiled here.
SOURCES = (
    "drivers/vfio/*",
    "drivers/iommu/iommufd/*",
    "drivers/iommu/iommu-p*.h",
    "drivers/crypto/hisilicon/*",
    "lib/interval_tree.c",
    "samples/vfio-mdev/mtty.c",
)


def release():
    """The kernel release of the headers in the builder, which everything else has to match."""
    names = sorted(path.parent.name for path in (roots.builder() / "lib/modules").glob("*/build"))
    if len(names) != 1:
        raise state.Error(f"builder root: one set of kernel headers wanted, found {names}")
    return names[0]


def vmlinuz():
    return state.directory() / "kernel" / "vmlinuz"


def image_root():
    """The unpacked image package: Debian's own modules, below usr/lib/modules."""
    return state.directory() / "kernel" / "image"


def source():
    return state.directory() / "kernel" / "source"


def build():
    """Download image and source of the kernel the builder has headers for, and unpack what is needed."""
    state.make("kernel", "kernel image and source", state.directory() / "kernel",
               [state.stamp_of("builder"), release(), *SOURCES], _unpack, note=release())


def _unpack(path):
    series = ".".join(release().split(".")[:2])
    packages = [f"linux-image-{release()}", f"linux-source-{series}"]
    for name in ("deb", "image", "source"):
        (path / name).mkdir(parents=True)
    roots.run_in_builder(
        ["sh", "-c", 'apt-get -qq update && apt-get -qq download "$@"', "sh", *packages],
        f"download of {' and '.join(packages)} (a newer kernel in the archive? remove {roots.builder()})",
        timeout=900, writable=[(path / "deb", "/mnt")], network=True, workdir="/mnt")
    image, = (path / "deb").glob("linux-image-*.deb")
    source, = (path / "deb").glob("linux-source-*.deb")
    state.call(["dpkg-deb", "-x", image, path / "image"], "unpacking the kernel image", timeout=300)
    _merge_usr(path / "image")
    kernel, = (path / "image" / "boot").glob("vmlinuz-*")
    shutil.copy(kernel, path / "vmlinuz")
    tree = f"linux-source-{series}"
    state.call(
        ["sh", "-e", "-c",
         'deb=$1 tree=$2 into=$3; shift 3\n'
         'dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$tree.tar.xz" | xz -dc -T2'
         ' | tar -x -C "$into" --strip-components=1 --wildcards "$@"',
         "sh", source, tree, path / "source", *[f"{tree}/{pattern}" for pattern in SOURCES]],
        "unpacking the kernel source", timeout=600)
    shutil.rmtree(path / "deb")


def _merge_usr(image):
    """Let the modules be found below lib/ whichever of lib/ and usr/lib/ the package ships them in."""
    if not (image / "lib").exists():
        (image / "lib").symlink_to("usr/lib")
