# SPDX-License-Identifier: GPL-2.0-or-later
"""What an agent makes of the time it was not there."""

import json
import time

import pytest

from agent import ROOT, SECONDS, wait_for
from conftest import SEC_PF, SEC_VFS
from guest import UUID, guest, hostdev

pytestmark = pytest.mark.timeout(6 * SECONDS)


def test_log_is_read_when_it_can_be(host, programs):
    """The guest left while nobody watched. Without a broker nothing tells whether it arrived; so the broker is waited for."""
    agent, stub = programs
    node = host.directory / "node.xml"
    node.write_text(f"<node>{guest(hostdev(SEC_VFS[0])).decode().replace('qemu', 'test')}</node>")
    host.sysfs.add_pf(SEC_PF)
    host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
    host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
    host.uri = f"test://{node}"
    host.start_broker(stub).set_device(SEC_VFS[0], flags=5, pid=4711, state="running")
    host.start_agent(agent)
    host.wait_connected()
    host.broker.wait_line("^SetMetadata ")
    details = json.dumps({"status": "setup"}, separators=(",", ":"))
    host.broker.send(f"event {UUID} vm MIGRATION {int(time.time() * 1e6)} {details}")

    def phase():
        return str(host.get("Migration", "Phase", f"{ROOT}/migrations/1"))

    wait_for(lambda: f"{ROOT}/migrations/1" in
             host.interface("org.freedesktop.DBus.ObjectManager").GetManagedObjects(timeout=SECONDS), "the migration")
    assert phase() == "preparing"
    assert host.agent.stop() == 0
    host.broker.stop()

    host.uri = "test:///default"
    host.start_agent(agent)
    wait_for(lambda: host.get("Manager", "HypervisorConnected"), "libvirt")
    assert phase() == "preparing"
    host.start_broker(stub)
    host.broker.wait_line("^ReadLog vm$")
    wait_for(lambda: phase() == "lost", "the end")
