# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the agent's tests.

ACCMIG_BUILD names a build directory with all programs; then a test that would be skipped has failed. Meson names each
program by itself, and only those that a test needs.
"""

import os
import pathlib

import pytest

# By the variable that a test knows them by.
PROGRAMS = {
    "ACCMIG_AGENT": "agent/accmigd/accmigd",
    "ACCMIG_BROKER": "agent/broker/accmig-broker",
    "ACCMIG_BROKER_STUB": "tests/bus/broker-stub",
    "ACCMIG_CTL": "agent/ctl/accmigctl",
    "ACCMIG_HOOK": "hooks/50-accmig",
    "ACCMIG_LINK": "agent/link/accmig-link",
    "ACCMIG_TEST_BROKER": "tests/bus/test-broker",
}

BUILD = os.environ.get("ACCMIG_BUILD")
if BUILD:
    for variable, name in PROGRAMS.items():
        path = pathlib.Path(BUILD).absolute() / name
        if not path.exists():
            raise pytest.UsageError(f"ACCMIG_BUILD is {BUILD}, which has no {name}")
        os.environ[variable] = str(path)

from agent import Host  # noqa: E402 (the programs have to be known first)

AGENT = os.environ.get("ACCMIG_AGENT", "")
STUB = os.environ.get("ACCMIG_BROKER_STUB", "")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """With everything there, nothing is left out unnoticed."""
    outcome = yield
    report = outcome.get_result()
    if BUILD and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"would be skipped, though ACCMIG_BUILD is set: {report.longrepr}"


@pytest.fixture(name="programs")
def find_programs():
    """The agent and the stub; the test is skipped where they cannot run."""
    if not AGENT or not STUB:
        pytest.skip("ACCMIG_AGENT and ACCMIG_BROKER_STUB do not name programs")
    if os.geteuid() != 0:
        pytest.skip("needs root, to run the agent as another user")
    return AGENT, STUB


@pytest.fixture(name="host")
def make_host(programs):
    """A host with a bus and nothing else yet."""
    with Host() as host:
        yield host


SEC_PF = "0000:75:00.0"
SEC_VFS = ["0000:75:00.1", "0000:75:00.2"]


@pytest.fixture(name="acc_host")
def make_acc_host(host, programs):
    """A host with an accelerator, two VFs of which are free, and its agent and broker."""
    return furnish(host, programs)


def furnish(host, programs):
    """Gives a host what make_acc_host() promises."""
    agent, stub = programs
    host.sysfs.add_pf(SEC_PF)
    for index, address in enumerate(SEC_VFS):
        host.sysfs.add_vf(SEC_PF, index, address)
        host.sysfs.bind(address, "hisi_acc_vfio_pci")
    host.start_broker(stub)
    for address in SEC_VFS:
        host.broker.set_device(address, flags=5, size=176, match=acc_match(8))
    host.start_agent(agent)
    host.wait_connected()
    return host


def acc_match(queues, isolation=0):
    """hisi_acc_vfio_pci's match data, in hex."""
    return ((0xAACCFEEDDECADEDE).to_bytes(8, "little") + queues.to_bytes(4, "little") + (0xA256).to_bytes(4, "little")
            + isolation.to_bytes(4, "little") + bytes(8) + (1).to_bytes(2, "little") + bytes(10)).hex()
