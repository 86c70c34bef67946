# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl nova-provider: what it writes, when it does not, and that nothing half ever lies in Nova's directory.

tests/nova holds the same files against Nova's own loader. ACCMIG_CTL names the program.
"""

import json
import os
import re
import socket
import stat
import subprocess

import pytest

from agent import SECONDS
from conftest import SEC_VFS
from provider_files import BROKEN, GOOD, document, provider
from test_ctl import probed, run
from test_ctl_offline import changed, ctl

CTL = os.environ.get("ACCMIG_CTL", "")

pytestmark = [pytest.mark.timeout(4 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]

UUID = "8d4d8f5a-7d1f-4a1c-9a52-4a8f2f2b1c11"


class Nova:
    """A fleet of two hosts and two classes, cn01's own profiles, and Nova's directory."""

    def __init__(self, path):
        self.fleet, self.directory = path / "fleet", path / "provider_config"
        self.fleet.mkdir()
        self.directory.mkdir()
        self.file = self.directory / "accmig.yaml"
        self.write_fleet("cn01", {}, {"hisi_acc.qp-num": 4})
        self.write_fleet("cn02", {})

    def write_fleet(self, host, *changes):
        """The profiles of one host."""
        (self.fleet / f"{host}.json").write_text(json.dumps([changed(one) for one in changes]))

    def write_other(self, text, name="other.yaml"):
        """A file of the operator's."""
        (self.directory / name).write_text(text)

    def run(self, *words, host="cn01", status=0):
        """nova-provider into the directory, for a host by its profiles."""
        before = self.read()
        said = ctl("nova-provider", "--output", str(self.file), "--host-profile", f"{self.fleet}/{host}.json", *words,
                   str(self.fleet), status=status)
        if status != 0:
            assert self.read() == before
        return said

    def read(self):
        """Every file, by name."""
        return {path.name: path.read_text() for path in self.directory.iterdir()}

    def traits(self):
        """Of the hosts' classes, that of both hosts first."""
        shown = json.loads(ctl("fleet", "--json", str(self.fleet)))
        return [one["trait"] for one in shown["classes"]]


@pytest.fixture(name="nova")
def make_nova(tmp_path):
    """See above."""
    return Nova(tmp_path)


# ---- writing ------------------------------------------------------------------------------------------------------

def test_write(nova):
    """The document, its place and its permissions; written again it is unchanged."""
    traits = nova.traits()
    said = nova.run()
    assert said == f"{nova.file}: pending restart of nova-compute\n" + "".join(f"  {one}\n" for one in sorted(traits))
    assert nova.read() == {"accmig.yaml": (
        "# Written by accmigctl nova-provider, which also overwrites it.\nmeta:\n  schema_version: '1.0'\nproviders:\n"
        "  - identification:\n      uuid: '$COMPUTE_NODE'\n    traits:\n      additional:\n"
        + "".join(f"        - '{one}'\n" for one in sorted(traits)))}
    assert all(re.fullmatch("CUSTOM_ACCMIG_HISI_ACC_[0-9A-F]{12}", one) for one in traits)
    assert stat.S_IMODE(nova.file.stat().st_mode) == 0o644
    before = nova.file.stat().st_mtime_ns
    assert nova.run().startswith(f"{nova.file}: unchanged\n") and nova.file.stat().st_mtime_ns == before


def test_umask(nova):
    """Nova can read it, whatever the umask."""
    old = os.umask(0o077)
    try:
        nova.run()
    finally:
        os.umask(old)
    assert stat.S_IMODE(nova.file.stat().st_mode) == 0o644


def test_output(nova):
    """Without a file it is only shown; for a program there is everything in one document."""
    profile = f"--host-profile={nova.fleet}/cn02.json"
    text = ctl("nova-provider", profile, str(nova.fleet))
    assert nova.read() == {} and nova.traits()[0] in text and nova.traits()[1] not in text
    shown = json.loads(nova.run("--json", host="cn02"))
    assert (shown["format"], shown["file"], shown["pending-restart"]) == ("accmig-nova-provider/1", str(nova.file), True)
    assert shown["traits"] == [nova.traits()[0]] and shown["document"] == text == nova.file.read_text() and not shown["gone"]
    assert json.loads(nova.run("--json", host="cn02"))["pending-restart"] is False


def test_change(nova):
    """A trait that goes is named, for placement may keep it; an update that no rule minds changes nothing."""
    nova.run()
    traits = nova.traits()
    nova.write_fleet("cn02", {"host.kernel": "6.12.108"})
    assert nova.run().startswith(f"{nova.file}: unchanged\n")
    nova.write_fleet("cn01", {})
    said = nova.run()
    assert said == (f"{nova.file}: pending restart of nova-compute\n  {traits[0]}\n"
                    f"  no longer {traits[1]}; placement may keep it until it is removed there\n")
    nova.write_fleet("cn01", {"device.driver": "vfio-pci", "device.migration": False, "device.flags": None})
    assert "no longer" in nova.run()
    assert nova.file.read_text().endswith("\nproviders: []\n")


@pytest.mark.parametrize("words, line", [
    (["--compute-node", UUID], f"      uuid: '{UUID}'\n"),
    (["--provider", "cn01_0000:75:00.0"], "      name: 'cn01_0000:75:00.0'\n"),
    (["--provider", "1.0"], "      name: '1.0'\n"),
])
def test_identification(nova, words, line):
    """As it was asked for, and always a text."""
    nova.run(*words)
    assert line in nova.file.read_text()


@pytest.mark.parametrize("words, said", [
    (["--compute-node", "cn01"], "--compute-node is “cn01”, must be a UUID"),
    (["--compute-node", f"{UUID}\n"], "must be a UUID"),
    (["--compute-node", UUID, "--provider", "cn01"], "exclude each other"),
    (["--provider", ""], "must be 1 to 200"),
    (["--provider", "a" * 201], "must be 1 to 200"),
    (["--provider", "a'\nb"], "must be 1 to 200"),
    (["--provider", "$COMPUTE_NODE"], "must be 1 to 200"),
    (["--output", "accmig.yml"], "Nova reads files *.yaml only"),
    (["--output", ".accmig.yaml"], "none that begins with a dot"),
    (["-H", "cn02"], "--host and --host-profile exclude each other"),
])
def test_usage(nova, words, said):
    """What makes no sense is said before anything is done."""
    assert said in nova.run(*words, status=2)
    assert nova.read() == {}


# ---- refusing -----------------------------------------------------------------------------------------------------

def test_not_in_the_fleet(nova):
    """A host whose profiles the fleet does not know, in any form."""
    nova.write_fleet("cn02", {"hisi_acc.qp-num": 2})
    other = nova.fleet.parent / "new.json"
    other.write_text(json.dumps(changed({"hisi_acc.qp-num": 16})))
    line = ctl("nova-provider", "--output", str(nova.file), "--host-profile", str(other), str(nova.fleet), status=1)
    assert "0000:75:00.1 is in no class of the fleet" in line and nova.read() == {}


def test_uncertain_fleet(nova):
    """While a part of it cannot be read, its classes are not certain."""
    (nova.fleet / "cn03.json").write_text("{")
    assert "not certain while a part of it cannot be read" in nova.run(status=1)


def test_not_ours(nova):
    """A file of that name that somebody else wrote stays as it is."""
    nova.write_other("meta: {schema_version: '1.0'}\n", "accmig.yaml")
    assert "was not written by accmigctl" in nova.run(status=1)


def test_no_directory(nova):
    """Neither made nor guessed."""
    nova.directory.rmdir()
    said = ctl("nova-provider", "--output", str(nova.file), "--host-profile", f"{nova.fleet}/cn01.json", str(nova.fleet),
               status=1)
    assert str(nova.directory) in said


def test_no_half_file(nova, tmp_path):
    """Where it cannot be written nothing is left, not even a draft."""
    nova.run(host="cn02")
    os.chmod(nova.directory, 0o500)
    limited = tmp_path / "limited"
    limited.write_text("#!/bin/sh\nulimit -f 0\ntrap '' XFSZ\nexec \"$@\"\n")
    limited.chmod(0o755)
    done = subprocess.run([limited, CTL, "nova-provider", "--output", nova.file, "--host-profile", f"{nova.fleet}/cn01.json",
                           nova.fleet], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1 and "cannot be written" in done.stderr, done
    assert list(nova.read()) == ["accmig.yaml"] and nova.traits()[1] not in nova.file.read_text()


CONFLICTS = {
    "default-twice": ([], provider("uuid: $COMPUTE_NODE"), "configures “$COMPUTE_NODE” already"),
    "uuid-twice": (["--compute-node", UUID], provider(f"uuid: {UUID.upper()}"), f"configures “{UUID.upper()}” already"),
    "name-twice": (["--provider", "pci_1"], provider("name: pci_1"), "configures “pci_1” already"),
    "host-by-name": ([], provider(f"name: {socket.gethostname()}"), "configures this host's provider"),
    "host-by-long-name": ([], provider(f"name: {socket.gethostname()}.example.org"), "configures this host's provider"),
    "default-beside-uuid": (["--compute-node", UUID], provider("uuid: $COMPUTE_NODE"), "configures this host's provider"),
    "default-beside-host": (["--provider", socket.gethostname()], provider("uuid: $COMPUTE_NODE"), "configures this host's"),
    "inventory-only": ([], provider("uuid: $COMPUTE_NODE", traits=None, inventory="CUSTOM_X: {total: 1}"), "already"),
}


@pytest.mark.parametrize("words, other, said", CONFLICTS.values(), ids=CONFLICTS)
def test_conflict(nova, words, other, said):
    """The same provider in another file would keep nova-compute from starting."""
    nova.write_other(document(other))
    line = nova.run(*words, status=1)
    assert f"{nova.directory}/other.yaml" in line and said in line


HARMLESS = {
    "no-op": ([], provider("uuid: $COMPUTE_NODE", traits=None)),
    "empty-lists": ([], provider("uuid: $COMPUTE_NODE", traits=[])),
    "other-uuid": ([], provider(f"uuid: {UUID}")),
    "pci-beside-default": (["--provider", f"{socket.gethostname()}_0000:75:00.0"], provider("uuid: $COMPUTE_NODE")),
}


@pytest.mark.parametrize("words, other", HARMLESS.values(), ids=HARMLESS)
def test_no_conflict(nova, words, other):
    """What Nova leaves out, and what is about another provider."""
    nova.write_other(document(other))
    assert "pending restart" in nova.run(*words)


def test_files_that_nova_does_not_read(nova):
    """Neither .yml, nor hidden ones, nor drafts."""
    for name in ("other.yml", ".other.yaml", "other.yaml.bak"):
        nova.write_other("{", name)
    assert "pending restart" in nova.run()


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_neighbours(nova, text):
    """Whatever Nova takes of other providers."""
    nova.write_other(text)
    assert "pending restart" in nova.run()


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_neighbours(nova, text):
    """Whatever Nova does not take."""
    nova.write_other(text)
    assert f"{nova.directory}/other.yaml, with which nova-compute would not start: " in nova.run(status=1)


# ---- hosts --------------------------------------------------------------------------------------------------------

def test_own_agent(acc_host, tmp_path):
    """Without --host-profile this host's agent is asked."""
    for address in SEC_VFS:
        probed(acc_host, address)
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/cn01.json").write_text(run(acc_host, "profile", "--json", SEC_VFS[0]))
    text = run(acc_host, "nova-provider", str(tmp_path / "fleet"))
    assert len(re.findall("^        - 'CUSTOM_ACCMIG_HISI_ACC_[0-9A-F]{12}'$", text, re.M)) == 1, text
