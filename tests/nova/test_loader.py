# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's Nova reads what accmigctl nova-provider writes, and refuses what our own rules refuse.

All files are made here, and Nova's loader is asked about all of them at once, in a root file system with Debian's
python3-nova. ACCMIG_BUILD names a build directory.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "bus"), str(TESTS / "testbed")]

from hosts import roots  # noqa: E402 (the path has to be set first)
from provider_files import BROKEN, GOOD, document, provider  # noqa: E402

CTL = pathlib.Path(os.environ.get("ACCMIG_BUILD", "build-gcc")).absolute() / "agent/ctl/accmigctl"
UUID = "8d4d8f5a-7d1f-4a1c-9a52-4a8f2f2b1c11"
LIMIT = 300

pytestmark = pytest.mark.timeout(2400)  # the first time Debian's packages are fetched

PROFILE = {
    "format": "accmig-profile/1",
    "host": {"kernel": "6.12.107", "machine": "aarch64"},
    "device": {"address": "0000:75:00.1", "kind": "pci", "family": "hisi_acc", "vendor": "0x19e5", "device": "0xa256",
               "revision": "0x50", "driver": "hisi_acc_vfio_pci", "vfio": True, "pf": "0000:75:00.0", "pf-driver": "hisi_sec2",
               "migration": True, "flags": 5},
    "hisi_acc": {"hardware": "v4", "magic": "0xaaccfeeddecadede", "major": 1, "minor": 0, "qp-num": 8, "isolation": 0},
}

# What is asked for, and the file that lies beside it.
OURS = {
    "default": ([], None),
    "uuid": (["--compute-node", UUID], None),
    "name": (["--provider", "cn01_0000:75:00.0"], None),
    "number": (["--provider", "17"], None),
    "beside": ([], document(provider("name: pci_1"))),
    "beside-no-op": ([], document(provider("uuid: $COMPUTE_NODE", traits=None))),
    "pci-beside-default": (["--provider", "cn01_0000:75:00.0"], document(provider("uuid: $COMPUTE_NODE"))),
}

# Two files each of which Nova takes, and which it does not take together.
TOGETHER = {
    "default": provider("uuid: $COMPUTE_NODE"),
    "uuid": provider(f"uuid: {UUID}"),
    "name": provider("name: pci_1"),
}


def ctl(*words):
    """Runs it, and it succeeds."""
    families = f"{TESTS.parent}/data/families.d"
    return subprocess.run([CTL, *words], env={**os.environ, "ACCMIG_FAMILIES_PATH": families}, check=True, text=True,
                          stdout=subprocess.PIPE, timeout=LIMIT).stdout


def write(directory, **files):
    """Files *.yaml in a new directory."""
    directory.mkdir()
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)


def write_ours(path):
    """What accmigctl writes. Returns its traits."""
    fleet = path / "fleet"
    fleet.mkdir()
    for host, queues in (("cn01", (8, 4)), ("cn02", (8,))):
        profiles = [{**PROFILE, "hisi_acc": {**PROFILE["hisi_acc"], "qp-num": number}} for number in queues]
        (fleet / f"{host}.json").write_text(json.dumps(profiles))
    for name, (words, other) in OURS.items():
        write(path / "cases" / f"ours-{name}", **({"other": other} if other is not None else {}))
        ctl("nova-provider", "--output", path / "cases" / f"ours-{name}" / "accmig.yaml", "--host-profile",
            fleet / "cn01.json", *words, fleet)
    return sorted(one["trait"] for one in json.loads(ctl("fleet", "--json", fleet))["classes"])


@pytest.fixture(name="nova", scope="module")
def ask_nova(tmp_path_factory):
    """What Nova made of each case, and the traits that ours should give."""
    path = tmp_path_factory.mktemp("nova")
    cases = path / "cases"
    cases.mkdir()
    traits = write_ours(path)
    for name, text in GOOD.items():
        write(cases / f"good-{name}", case=text)
    for name, text in BROKEN.items():
        write(cases / f"broken-{name}", case=text)
    for name, entry in TOGETHER.items():
        write(cases / f"together-{name}", one=document(entry), two=document(entry))
    roots.build_nova()
    said = roots.run_in(roots.nova(), ["/usr/bin/python3", "/tests/loader.py", "/cases"], "Nova's loader", LIMIT,
                        binds=[(TESTS / "nova", "/tests"), (cases, "/cases")])
    return json.loads(said.splitlines()[-1]), traits


@pytest.mark.parametrize("name", OURS)
def test_ours(nova, name):
    """Nova sees our traits at the provider that was asked for."""
    found, traits = nova
    words = OURS[name][0]
    providers = found[f"ours-{name}"]["providers"]
    assert len(traits) == 2 and providers[words[1] if words else "$COMPUTE_NODE"] == traits


@pytest.mark.parametrize("name", GOOD)
def test_good(nova, name):
    """What our rules let through Nova takes, too."""
    assert "providers" in nova[0][f"good-{name}"], nova[0]


@pytest.mark.parametrize("name", BROKEN)
def test_broken(nova, name):
    """What our rules refuse would have kept nova-compute from starting."""
    assert "error" in nova[0][f"broken-{name}"], nova[0]


@pytest.mark.parametrize("name", TOGETHER)
def test_together(nova, name):
    """One provider in two files."""
    assert "multiple definitions" in nova[0][f"together-{name}"]["error"]
