# SPDX-License-Identifier: GPL-2.0-or-later
"""What gets installed beside the programs says the same as they do."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from agent import NAME, SECONDS, SOURCE

PACKAGING = SOURCE / "packaging"
HEX32 = "[0-9a-f]{32}"


def test_catalog_explains_every_event(tmp_path):
    """Each event of the log once, and nothing else; and journalctl takes the file."""
    catalog = (PACKAGING / "catalog/accmig.catalog").read_text()
    events = re.findall(f'"({HEX32})"', (SOURCE / "agent/accmigd/log.c").read_text())
    assert sorted(re.findall(f"^-- ({HEX32})$", catalog, re.M)) == sorted(events)
    assert all(len(line) <= 76 for line in catalog.splitlines())
    if shutil.which("journalctl") is None:
        pytest.skip("journalctl is not here to read it")
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "usr/lib/systemd/catalog/accmig.catalog").write_text(catalog)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    update = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], capture_output=True, text=True,
                            timeout=SECONDS, check=False)
    assert update.returncode == 0 and not update.stderr, update
    assert (tmp_path / "var/lib/systemd/catalog/database").stat().st_size > 0


def test_polkit_actions_are_those_of_the_code():
    """By the names that the agent asks for."""
    actions = {a.get("id") for a in ET.parse(PACKAGING / "polkit/org.accmig1.policy").getroot().findall("action")}
    names = (SOURCE / "agent/common/names.h").read_text()
    assert actions == set(re.findall(r'ACCMIG_ACTION_\w+\s+"([^"]+)"', names))


def test_polkit_answers_the_agent():
    """About other users polkit tells only root and an action's owner; the agent is not root."""
    for action in ET.parse(PACKAGING / "polkit/org.accmig1.policy").getroot().findall("action"):
        owners = [a.text for a in action.findall("annotate") if a.get("key") == "org.freedesktop.policykit.owner"]
        assert owners == ["unix-user:accmig"], action.get("id")


def test_link_is_where_the_agent_looks():
    """The unit's socket is the setting's default, for the user the agent is."""
    unit = (PACKAGING / "systemd/accmig-link.socket").read_text()
    path = re.search(r'ACCMIG_LINK_SOCKET\s+"([^"]+)"', (SOURCE / "agent/common/names.h").read_text())[1]
    assert f"ListenStream={path}\n" in unit and "SocketUser=accmig\n" in unit and "SocketMode=0600\n" in unit


def test_activation_names_the_unit():
    """The bus activates the unit's alias, for the name the unit takes."""
    service = (PACKAGING / "dbus/org.accmig1.service").read_text()
    unit = (PACKAGING / "systemd/accmigd.service.in").read_text()
    alias = re.search("^SystemdService=(.*)$", service, re.M)[1]
    assert f"Alias={alias}" in unit
    assert f"Name={NAME}" in service and f"BusName={NAME}" in unit
