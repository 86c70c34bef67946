# SPDX-License-Identifier: GPL-2.0-or-later
"""`accmigctl state`: the stream of a free accelerator VF, saved on one host, looked into, loaded on the other."""

import json
import shlex

import pytest

ACC = "0001:00:00.2"
FILE = "/share/acc-state.bin"

# Every field of the kernel's struct acc_vf_data that is not reserved.
FIELDS = {"acc_magic", "qp_num", "dev_id", "que_iso_cfg", "qp_base", "vf_qm_state", "major_ver", "minor_ver",
          "aeq_int_mask", "eq_int_mask", "ifc_int_source", "ifc_int_mask", "ifc_int_set", "page_size", "eqe_dma",
          "aeqe_dma", "sqc_dma", "cqc_dma"}


@pytest.fixture
def saved(source, destination, agents):
    source.run(f"rm -f {FILE}")
    source.agent.ctl("state", "save", ACC, FILE)
    return FILE


def usable(host, address=ACC):
    """The VF can be opened, runs, and nobody holds it."""
    assert host.agent.call("GetState", "s", address) == "running"
    host.wait_for(lambda: host.agent.broker_vfio_fds() == 0, 20, "the broker letting go of every device")


def test_save_inspect_load(source, destination, saved):
    """A free VF has no driver that is ready: its stream is the 40 bytes of match data, and loads."""
    assert int(source.output(f"stat -c %s {saved}")) == 40
    shown = json.loads(source.agent.ctl("--json", "state", "inspect", saved).stdout)
    assert shown["family"] == "hisi_acc"
    values = {field["name"]: field for field in shown["fields"]}
    assert "0xa256" in values["dev_id"]["value"].lower()
    destination.agent.ctl("state", "load", ACC, saved)
    usable(source)
    usable(destination)


def test_inspect_names_every_field(source, destination, agents):
    """The whole stream of 176 bytes, as the driver sends it for a ready guest, field by field."""
    text = source.run("cat > /run/whole.py <<'END'\n"
                      "import struct,sys\n"
                      "head=struct.pack('<QIIIIIHH8x',0xAACCFEEDDECADEDE,18,0xa256,0,8,0,1,0)\n"
                      "sys.stdout.buffer.write(head+bytes(range(136)))\n"
                      "END\npython3 /run/whole.py > /run/whole.bin; accmigctl --json state inspect /run/whole.bin").stdout
    shown = json.loads(text)
    assert FIELDS <= {field["name"].split("[")[0] for field in shown["fields"]}
    assert sum(field["size"] for field in shown["fields"]) == 176


# What is done to a file, and what has to be said of it where that is known.
DAMAGES = (
    ("printf '\\377' | dd of={file} bs=1 seek=0 conv=notrunc status=none", "magic"),
    ("printf '\\377' | dd of={file} bs=1 seek=8 conv=notrunc status=none", ""),
    ("truncate -s 30 {file}", ""),
    ("printf '\\131\\242' | dd of={file} bs=1 seek=12 conv=notrunc status=none", ""),
)


def test_broken_files_are_refused(source, destination, saved):
    """A flipped byte, a truncated file, another device's file: a sentence, and the VF stays usable."""
    for damage, said in DAMAGES:
        check_refused(destination, saved, damage, said)


def check_refused(destination, saved, damage, said):
    broken = "/run/broken.bin"
    destination.run(f"cp {saved} {broken}; " + damage.format(file=broken))
    for words in (["state", "load", ACC, broken], ["state", "load", "--force", ACC, broken]):
        done = destination.agent.ctl(*words, check=False)
        assert done.returncode in (1, 3), done.stdout + done.stderr
        assert done.stderr.startswith("accmigctl: ") and done.stderr.count("\n") == 1, done.stderr
    if said:
        assert said in done.stderr or said in destination.agent.ctl("state", "inspect", broken, check=False).stderr
    usable(destination)


def test_other_families_file(source, destination, saved):
    """A migsim VF does not take an accelerator's state."""
    address = "0000:01:10.0"
    destination.devices.bind(address)
    destination.wait_for(lambda: destination.agent.device(address, "Driver") == "migsim", what="migsim in the registry")
    done = destination.agent.ctl("state", "load", address, saved, check=False)
    assert done.returncode in (1, 3)
    assert done.stderr.startswith("accmigctl: ")
    usable(destination, address)


def test_migsim_state_arrives(source, destination, agents):
    """The number that is migsim's state is in the file, and comes out of it on the other host."""
    address = "0000:01:10.0"
    for host in (source, destination):
        host.devices.bind(address)
        host.wait_for(lambda: host.agent.device(address, "Driver") == "migsim", what="migsim in the registry")
    source.run("rm -f /share/migsim-state.bin")
    source.agent.ctl("state", "save", address, "/share/migsim-state.bin")
    destination.agent.ctl("state", "load", address, "/share/migsim-state.bin")
    usable(source, address)
    usable(destination, address)


def test_an_unprivileged_user_may_not(source, destination, agents):
    """Reading is open to everybody, changing is not."""
    source.run("id -u nobody")
    assert source.run("runuser -u nobody -- accmigctl --json devices").stdout
    for words in (["state", "save", ACC, "/tmp/no.bin"], ["state", "load", ACC, "/etc/hostname"]):
        done = source.run("runuser -u nobody -- " + shlex.join(["accmigctl", *words]), check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("accmigctl: ")
    ask = ("busctl call org.accmig1 /org/accmig1 org.accmig1.Gate Ask ssssay web1 migrate begin - 0")
    assert source.run("runuser -u nobody -- " + ask, check=False).returncode != 0
