# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules of the hosts, built out of tree against Debian's headers.

Debian's kernel has VFIO but neither iommufd nor the VFIO character devices, so both subsystems are compiled
anew from the kernel's own source. Their structures depend on configuration, so every VFIO module, the
kernel's and ours, is compiled with one set of options against the symbols of that one stack.
"""

import pathlib
import re
import shutil

from . import kernel, roots, state

# Options the stack is compiled with: for the makefiles and for the preprocessor.
OPTIONS = {
    "CONFIG_IOMMUFD": "m",
    "CONFIG_IOMMUFD_DRIVER": "m",
    "CONFIG_IOMMUFD_DRIVER_CORE": "m",
    "CONFIG_VFIO_DEVICE_CDEV": "y",
    "CONFIG_VFIO_DEBUGFS": "y",
    "CONFIG_INTERVAL_TREE_SPAN_ITER": "y",
    "CONFIG_CRYPTO_DEV_HISI_QM": "m",
    "CONFIG_CRYPTO_DEV_HISI_SEC2": "m",
    "CONFIG_CRYPTO_DEV_HISI_ZIP": "m",
    "CONFIG_CRYPTO_DEV_HISI_HPRE": "m",
    "CONFIG_HISI_ACC_VFIO_PCI": "m",
}

# The modules that go onto the disk image, and our own, which the hosts take from the shared folder.
STOCK = ("stack", "hisi", "mtty")
OWN = ("accsim", "migsim")

BUILD_LIMIT = 900


def directory():
    return state.directory() / "modules"


def _definitions():
    for name, value in OPTIONS.items():
        yield f"-D{name}_MODULE=1" if value == "m" else f"-D{name}=1"


def build_stack():
    """Make what every other module is built against."""
    _make_step("stack", "VFIO and iommufd stack", [], _prepare_stack)


def build():
    """Make the stack, the kernel's own drivers and ours."""
    build_stack()
    after_stack = [state.stamp_of("module-stack")]
    _make_step("hisi", "HiSilicon drivers of the kernel", after_stack, _prepare_hisi)
    _make_step("mtty", "mtty sample of the kernel", after_stack, _prepare_mtty)
    for name in OWN:
        build_own(state.SOURCE / "tests" / "kernel" / name)


def build_own(folder):
    """Build one out-of-tree module folder of ours, warnings being errors, and share it with the hosts."""
    folder = pathlib.Path(folder).resolve()
    if not folder.is_dir():
        raise state.Error(f"{folder} is not a directory")

    def prepare(path):
        shutil.copytree(folder, path, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*"))

    name = folder.name
    _make_step(name, f"module {name}", [state.stamp_of("module-stack"), folder], prepare, strict=True)
    for path in built(name):
        shutil.copy(path, state.subdirectory("share/modules"))
    return built(name)


def built(name):
    """The .ko files of the step NAME."""
    return sorted((directory() / name).rglob("*.ko"))


def _make_step(name, what, inputs, prepare, strict=False):
    def compile_into(path):
        prepare(path)
        _compile(path, what, against_stack=name != "stack", strict=strict)

    known = [state.stamp_of("kernel"), *OPTIONS.items(), str(strict), *inputs]
    state.make(f"module-{name}", what, directory() / name, known, compile_into)


def _compile(path, what, against_stack, strict):
    flags = [*_definitions(), *(["-Werror"] if strict else [])]
    argv = ["make", "-s", "-j2", "-C", f"/lib/modules/{kernel.release()}/build", "M=/mnt/module",
            *[f"{name}={value}" for name, value in OPTIONS.items()], f"KCFLAGS={' '.join(flags)}"]
    binds = []
    if against_stack:
        binds.append((directory() / "stack", "/mnt/stack"))
        argv.append("KBUILD_EXTRA_SYMBOLS=/mnt/stack/Module.symvers")
    output = roots.run_in_builder([*argv, "modules"], what, BUILD_LIMIT, binds=binds,
                                  writable=[(path, "/mnt/module")])
    if strict and output.strip():
        print(output.strip(), flush=True)
    for module in path.rglob("*.ko"):
        state.call(["strip", "--strip-debug", module], f"strip of {module.name}", timeout=60)


def _prepare_stack(path):
    """Lay out iommufd and vfio, with the three things they expect of a kernel that has them built in."""
    source = kernel.source()
    for name in ("drivers/vfio", "drivers/iommu"):
        shutil.copytree(source / name, path / name)
    shutil.rmtree(path / "drivers/vfio/pci/hisilicon")
    hisi = re.compile(r"^obj-.*hisilicon/.*\n", re.MULTILINE)
    _edit(path / "drivers/vfio/pci/Makefile", lambda text: hisi.sub("", text))
    (path / "Kbuild").write_text("obj-m += drivers/iommu/iommufd/ drivers/vfio/\n")
    iommufd = path / "drivers/iommu/iommufd"
    _edit(iommufd / "iova_bitmap.c", _with_license)
    (iommufd / "interval_span.c").write_text(_interval_span((source / "lib/interval_tree.c").read_text()))
    _edit(iommufd / "Makefile", lambda text: text.replace("iommufd-y := ", "iommufd-y := interval_span.o "))


def _edit(path, change):
    path.write_text(change(path.read_text()))


def _with_license(text):
    if "MODULE_LICENSE" in text:
        return text
    return text + '\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n'


def _interval_span(text):
    """The span iterator of the interval tree, which a kernel without iommufd does not have."""
    body = re.search(r"#ifdef CONFIG_INTERVAL_TREE_SPAN_ITER\n(.*?)\n#endif", text, re.DOTALL)
    if not body:
        raise state.Error("lib/interval_tree.c of the kernel source has no span iterator")
    code = re.sub(r"^EXPORT_SYMBOL.*\n?", "", body.group(1), flags=re.MULTILINE)
    return f"#include <linux/interval_tree.h>\n#include <linux/compiler.h>\n{code}\n"


def _prepare_hisi(path):
    for name in ("drivers/crypto/hisilicon", "drivers/vfio/pci/hisilicon"):
        shutil.copytree(kernel.source() / name, path / name)
    (path / "Kbuild").write_text("obj-m += drivers/crypto/hisilicon/ drivers/vfio/pci/hisilicon/\n")


def _prepare_mtty(path):
    path.mkdir(parents=True)
    shutil.copy(kernel.source() / "samples/vfio-mdev/mtty.c", path)
    (path / "Kbuild").write_text("obj-m := mtty.o\n")
