# SPDX-License-Identifier: GPL-2.0-or-later
"""Family files: what accmigctl says of them, and what the agent makes of a wrong one."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from agent import SOURCE
from conftest import SEC_PF, SEC_VFS

CTL = os.environ.get("ACCMIG_CTL", "")
SECONDS = 30
SHIPPED = SOURCE / "data/families.d"
FILES = sorted([*SHIPPED.glob("*.family"), *SOURCE.glob("tests/data/families.d/*.family")])

pytestmark = [pytest.mark.timeout(4 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]


def ctl(*words):
    """Runs it. Returns the exit status, the standard output and the standard error."""
    done = subprocess.run([CTL, *map(str, words)], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="local")
def make_local(monkeypatch):
    """A directory whose files replace the shipped ones. The agent, another user, can read it."""
    with tempfile.TemporaryDirectory(prefix="accmig-families-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        monkeypatch.setenv("ACCMIG_FAMILIES_PATH", f"{SHIPPED}:{directory}")
        yield directory


def test_list():
    """Every file of the tree is a family, and nothing is wrong with any."""
    status, out, err = ctl("family", "list", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["format"] == "accmig-families/1" and found["warnings"] == []
    assert [family["path"] for family in found["families"]] == [
        str(path) for path in sorted(FILES, key=lambda path: path.stem)]

    status, out, err = ctl("family", "list")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:]] == sorted(path.stem for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_check_and_show(path):
    """Each is right by itself, and is shown with every group that it has."""
    assert ctl("family", "check", path) == (0, f"{path}: nothing wrong\n", "")
    text = path.read_text()

    status, out, err = ctl("family", "show", path.stem, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["format"] == "accmig-family/1" and found["name"] == path.stem
    assert [field["name"] for field in found["fields"]] == re.findall(r"^\[field (.*)\]$", text, re.M)
    assert [rule["name"] for rule in found["rules"]] == re.findall(r"^\[rule (.*)\]$", text, re.M)
    for rule in found["rules"]:
        assert rule["id"] == (rule["name"] if path.stem == "generic" else f"{path.stem}.{rule['name']}").split()[0]

    status, out, err = ctl("family", "show", path.stem)
    assert (status, err) == (0, "")
    assert found["title"] in out and all(rule["reference"].split()[0] in out for rule in found["rules"] if rule["reference"])


def test_check_says_where(tmp_path):
    """The file, the line, the cause."""
    path = tmp_path / "x.family"
    path.write_text("[family]\nname=x\ntitle=X\n\n[rule r]\nfield=device.kind\nrelation=equals\n")
    status, out, err = ctl("family", "check", path)
    assert status == 1 and out == ""
    assert err.startswith(f"accmigctl: {path}:7: relation is “equals”, wanted is one of equal, ")
    assert ctl("family", "check", tmp_path / "y.family")[0] == 1


def test_show_nobody():
    """A sentence."""
    assert ctl("family", "show", "nobody") == (
        1, "", "accmigctl: there is no family “nobody”; accmigctl family list has them\n")


def test_local_file(local):
    """A local file replaces the shipped one; a wrong one leaves it, and everybody is told."""
    path = local / "mtty.family"
    path.write_text("[family]\nname=mtty\ntitle=Of this host\nmdev-types=mtty-*\n")
    assert "Of this host" in ctl("family", "show", "mtty")[1]

    path.write_text("[family]\nname=mtty\n")
    status, out, err = ctl("family", "show", "mtty")
    assert status == 0 and str(SHIPPED / "mtty.family") in out
    assert err.splitlines() == [f"accmigctl: warning: {path}:1: [family] needs the key title",
                                f"accmigctl: warning: {path}: left out; {SHIPPED / 'mtty.family'} stays in force"]


def test_agent_warns(local, host, programs):
    """Once, at its start; and serves all the same."""
    path = local / "mtty.family"
    path.write_text("[family]\nname=mtty\n")
    host.start_agent(programs[0])
    assert host.get("Manager", "Version")
    host.agent.stop()
    lines = host.agent.drain()
    assert len([line for line in lines if f"{path}:1: [family] needs the key title" in line]) == 1, lines
    assert len([line for line in lines if f"{path}: left out; {SHIPPED / 'mtty.family'} stays in force" in line]) == 1


def test_agent_with_new_family(local, host, programs):
    """A file makes VFs that nobody knew members of a family, whose fields their profiles have."""
    (local / "acme.family").write_text(
        "[family]\nname=acme\ntitle=Acme\nids=19e5:a2ff\n"
        "[field size]\nwhat=size\ntype=number\nfrom=sysfs bus/pci/devices/{pf}/sriov_numvfs\n")
    host.sysfs.add_pf(SEC_PF)
    host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0], device=0xa2ff)
    host.start_agent(programs[0])
    assert host.get_device(SEC_VFS[0])["Family"] == "acme"
    profile = json.loads(host.interface("Manager").GetProfile(SEC_VFS[0]))
    assert profile["acme"] == {"size": 1}
