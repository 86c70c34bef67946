# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl fleet and fleet baseline on files and on hosts, and check with several hosts. ACCMIG_CTL names the program."""

import json
import os
import re
import time

import pytest

from agent import SECONDS, Host
from conftest import SEC_PF, SEC_VFS, acc_match, furnish
from test_ctl import make_road, make_source, probed, run  # noqa: F401  (two of them are fixtures)
from test_ctl_offline import PROFILE, changed, ctl

CTL = os.environ.get("ACCMIG_CTL", "")

pytestmark = [pytest.mark.timeout(6 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]

# What the newer driver sends the older one does not take; the other way round it works.
NEW = {"hisi_acc.magic": "0xaaccfeeddecadede"}
OLD = {"hisi_acc.magic": "0xcdcdcdcdfeedaacc", "hisi_acc.major": None, "hisi_acc.minor": None}
UNBOUND = {"device.driver": "vfio-pci", "device.migration": False, "device.flags": None}


@pytest.fixture(name="fleet_dir")
def make_fleet_dir(tmp_path):
    """A directory of profiles. A function that writes the file @name: the text given, or profiles with changes."""
    directory = tmp_path / "fleet"
    directory.mkdir()

    def write(name, *contents):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(one if isinstance(one, str) else json.dumps(changed(one)) + "\n" for one in contents))
        return directory
    return write


def fleet(directory, *words, status=0):
    """What it prints for a program."""
    return json.loads(ctl("fleet", *words, "--json", str(directory), status=status))


def hosts_of(shown):
    """Of each class."""
    return [one["hosts"] for one in shown["classes"]]


# ---- files --------------------------------------------------------------------------------------------------------

def test_classes(fleet_dir):
    """Who can exchange guests; a host with devices of two kinds is in both classes."""
    fleet_dir("cn01.json", {}, {"device.address": "0000:75:00.2"})
    fleet_dir("cn02.json", {"host.kernel": "6.12.108"})
    directory = fleet_dir("cn03.json", {}, {"hisi_acc.qp-num": 4})
    shown = fleet(directory)
    assert (shown["format"], shown["profiles"], shown["hosts"], shown["groups"]) == ("accmig-fleet/1", 5, 3, 2)
    assert hosts_of(shown) == [["cn01", "cn02", "cn03"], ["cn03"]]
    [first, second] = shown["classes"]
    assert first["profiles"] == 4 and re.fullmatch("[0-9a-f]{64}", first["digest"])
    assert first["class"] == f"hisi_acc/{first['digest'][:12]}"
    assert first["trait"] == f"CUSTOM_ACCMIG_HISI_ACC_{first['digest'][:12].upper()}"
    assert shown["directions"] == [] and shown["outside"] == [] and shown["left-out"] == []
    [split] = shown["splits"]
    assert (split["rule"], split["field"]) == ("hisi_acc.qp-num", "hisi_acc.qp-num")
    assert {value["value"]: value["classes"] for value in split["values"]} == {"8": [first["class"]], "4": [second["class"]]}
    text = ctl("fleet", str(directory))
    assert text.startswith("5 profiles of 3 hosts; the rules can tell 2 apart.\n\nCLASS ")
    assert re.search(rf"^{first['class']} +3 +4 +1 +cn01 cn02 cn03$", text, re.M)
    assert re.search(rf"^hisi_acc.qp-num +4 +{second['class']}$", text, re.M)
    assert "One way" not in text


def test_one_way(fleet_dir):
    """Where directions differ it is said; no rule is named that lets both through."""
    fleet_dir("old.json", OLD)
    directory = fleet_dir("new.json", NEW)
    shown = fleet(directory)
    by_host = {one["hosts"][0]: one["class"] for one in shown["classes"]}
    assert shown["directions"] == [{"from": by_host["old"], "to": by_host["new"], "all": True}]
    assert [split["rule"] for split in shown["splits"]] == ["hisi_acc.magic"]
    assert f"One way:\n  {by_host['old']} → {by_host['new']}\n" in ctl("fleet", str(directory))


def test_outside(fleet_dir):
    """A device that cannot be migrated at all is in no class, and says why."""
    fleet_dir("cn01.json", {})
    directory = fleet_dir("cn02.json", UNBOUND, {**UNBOUND, "device.address": "0000:75:00.2"})
    shown = fleet(directory)
    assert hosts_of(shown) == [["cn01"]]
    [outside] = shown["outside"]
    assert (outside["hosts"], outside["profiles"], outside["family"]) == (["cn02"], 2, "hisi_acc")
    assert outside["finding"]["rule"] == "source.migration"
    text = ctl("fleet", str(directory))
    assert re.search(r"^hisi_acc, none +1 +2 +1 +cn02$", text, re.M) and outside["finding"]["sentence"] in text


def test_families_apart(fleet_dir):
    """Classes are of one family; nothing is said of pairs of two."""
    mtty = {"format": "accmig-profile/1", "host": {"kernel": "6.12.1", "machine": "x86_64"},
            "device": {"address": "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "kind": "mdev", "family": "mtty",
                       "mdev-type": "mtty-2", "driver": "mtty", "vfio": True, "migration": True, "flags": 1},
            "mtty": {"ports": 2}}
    directory = fleet_dir("cn01.json", {}, json.dumps(mtty))
    shown = fleet(directory)
    assert [one["family"] for one in shown["classes"]] == ["hisi_acc", "mtty"]
    assert shown["splits"] == [] and shown["directions"] == []


FORMS = {
    "one": json.dumps(PROFILE, indent=2),
    "lines": f"{json.dumps(PROFILE)}\n{json.dumps(PROFILE)}\n",
    "lines-without-end": f"\n\n {json.dumps(PROFILE)}{json.dumps(PROFILE)}",
    "array": json.dumps([PROFILE, PROFILE], indent=1),
    "braces": json.dumps({**PROFILE, "note": "}]{\\\"["}),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms(fleet_dir, text):
    """One profile, several, an array; what stands in a string is no bracket."""
    shown = fleet(fleet_dir("cn01.json", text))
    assert (shown["profiles"], shown["groups"]) == (text.count("accmig-profile/1"), 1)


def test_names(fleet_dir):
    """Whose a profile is says the first part of its path; what is no *.json, or hidden, or a link back, is nothing."""
    fleet_dir("cn01/0000:75:00.1.json", {})
    fleet_dir("cn01/deep/er.json", {})
    fleet_dir("cn02.json", {})
    fleet_dir("README", "no profile")
    fleet_dir(".hidden.json", "no profile")
    directory = fleet_dir("cn03.json", "[]")
    (directory / "again").symlink_to(directory)
    (directory / "linked.json").symlink_to(directory / "cn02.json")
    os.mkfifo(directory / "pipe.json")
    shown = fleet(directory)
    assert hosts_of(shown) == [["cn01", "cn02", "linked"]] and shown["profiles"] == 4
    assert hosts_of(fleet(directory / "cn02.json")) == [["cn02"]]


BROKEN = {
    "cut": (json.dumps(PROFILE)[:-1], "profile 1: it does not end"),
    "second": (json.dumps(PROFILE) + "\n{}", "profile 2: "),
    "not-one": ("true", "profile 1: it does not begin with “{”"),
    "comma": (f"[{json.dumps(PROFILE)} {json.dumps(PROFILE)}]", "profile 2: there is no comma before it"),
    "trailing-comma": (f"[{json.dumps(PROFILE)},]", "profile 2: there is none after the comma"),
    "open-array": (f"[{json.dumps(PROFILE)}", "profile 2: the array ends before it"),
    "after-array": (f"[{json.dumps(PROFILE)}]{json.dumps(PROFILE)}", "profile 2: it follows the end of the array"),
    "family": (json.dumps(changed({"device.family": None})), "profile 1: "),
    "large": ('{"a":"' + "x" * 200000 + '"}', "profile 1: more than"),
}


@pytest.mark.parametrize("text, said", BROKEN.values(), ids=BROKEN)
def test_broken_files(fleet_dir, text, said):
    """They are left out from where they are wrong, by name and cause; the rest is classified, and the status tells."""
    fleet_dir("good.json", {})
    directory = fleet_dir("bad.json", text)
    shown = fleet(directory, status=4)
    [left_out] = shown["left-out"]
    assert left_out["name"] == f"{directory}/bad.json" and left_out["cause"].startswith(said), left_out
    assert "good" in hosts_of(shown)[0]
    assert f"Left out:\n  {directory}/bad.json: {said}" in ctl("fleet", str(directory), status=4)


def test_nothing(fleet_dir, tmp_path):
    """No fleet at all is a failure."""
    (tmp_path / "empty").mkdir()
    assert "no profile" in ctl("fleet", f"{tmp_path}/empty", status=1)
    assert "/nonexistent" in ctl("fleet", "/nonexistent/there", status=1)
    assert "it does not end" in ctl("fleet", str(fleet_dir("bad.json", "{")), status=1)


def test_too_many_groups(fleet_dir):
    """A clear limit."""
    directory = fleet_dir("cn01.json", "\n".join(json.dumps(changed({"hisi_acc.qp-num": n})) for n in range(1, 4098)))
    assert "more than 4096 profiles that the rules can tell apart" in ctl("fleet", str(directory), status=1)


# ---- baseline -----------------------------------------------------------------------------------------------------

def test_baseline(fleet_dir):
    """The class with the most hosts; the others are judged by the device that lacks least, once for all alike."""
    for host in ("cn01", "cn02", "cn03"):
        fleet_dir(f"{host}.json", {})
    for host in ("cn04", "cn05"):
        fleet_dir(f"{host}.json", {"hisi_acc.qp-num": 4}, {"hisi_acc.qp-num": 2, "hisi_acc.isolation": 1})
    directory = fleet_dir("cn06.json", UNBOUND)
    shown = fleet(directory, "baseline")
    assert shown["format"] == "accmig-baseline/1"
    [baseline] = shown["baselines"]
    assert (baseline["family"], baseline["hosts"]) == ("hisi_acc", ["cn01", "cn02", "cn03"])
    [queues, unbound] = baseline["changes"]
    assert queues["hosts"] == ["cn04", "cn05"] and [f["rule"] for f in queues["findings"]] == ["hisi_acc.qp-num"]
    assert queues["findings"][0]["remedy"] and queues["like"] == {"host": "cn04", "address": "0000:75:00.1"}
    assert unbound["hosts"] == ["cn06"] and "device.migration" in [f["rule"] for f in unbound["findings"]]
    text = ctl("fleet", "baseline", str(directory))
    assert text.startswith(f"{baseline['class']}: 3 of 6 hosts, as 0000:75:00.1 on cn01\n")
    assert re.search(r"^As 0000:75:00.1 on cn04, cn04 cn05\nRULE +HERE +BASELINE\nhisi_acc.qp-num +4 +8\n", text, re.M), text
    assert "→ " in text


def test_baseline_of_one_class(fleet_dir):
    """Nobody has to change anything."""
    fleet_dir("cn01.json", {})
    directory = fleet_dir("cn02.json", {})
    [baseline] = fleet(directory, "baseline")["baselines"]
    assert baseline["changes"] == [] and baseline["hosts"] == ["cn01", "cn02"]


def test_baseline_one_way(fleet_dir):
    """A host that can only send is shown what keeps it from taking."""
    for host in ("cn01", "cn02"):
        fleet_dir(f"{host}.json", NEW)
    directory = fleet_dir("cn03.json", OLD)
    [baseline] = fleet(directory, "baseline")["baselines"]
    [change] = baseline["changes"]
    assert change["hosts"] == ["cn03"]
    assert [(f["rule"], f["target"]) for f in change["findings"]] == [("hisi_acc.magic", "0xcdcdcdcdfeedaacc")]


# ---- hosts --------------------------------------------------------------------------------------------------------

@pytest.fixture(name="more_hosts")
def make_more_hosts(programs, road):
    """Two more hosts: cn03 with the same devices as cn02 but fewer queues, cn04 with no agent."""
    name, _more = road
    with Host() as other, Host() as silent:
        furnish(other, programs)
        for address in SEC_VFS:
            other.broker.set_device(address, flags=5, size=176, match=acc_match(4))
        name(other, "cn03")
        name(silent, "cn04")
        yield other


def test_fleet_of_hosts(acc_host, more_hosts, road):
    """Agents are asked; one that does not answer is named, and the others are classified."""
    name, more = road
    name(acc_host, "root@cn02")
    for host in (acc_host, more_hosts):
        for address in SEC_VFS:
            probed(host, address)
    shown = json.loads(run(acc_host, "fleet", "--json", "root@cn02,cn03,cn04,cn05", status=4, **more))
    assert shown["profiles"] == 4 and shown["hosts"] == 2
    causes = {one["name"]: one["cause"] for one in shown["left-out"]}
    assert set(causes) == {"cn04", "cn05"} and "Could not resolve hostname cn05" in causes["cn05"]
    assert "agent does not answer" in causes["cn04"]
    assert "no profile; cn04: " in run(acc_host, "fleet", "cn04,cn05", status=1, **more)
    assert "a host without a name" in run(acc_host, "fleet", "cn02,,cn03", status=2, **more)


def profile_of(host, **changes):
    """Of its first device, with other values of the family's."""
    probed(host)
    found = json.loads(host.interface("Manager").GetProfile(SEC_VFS[0]))
    found["hisi_acc"].update(changes)
    return found


def test_ranking(source, acc_host, more_hosts, road):  # pylint: disable=unused-argument
    """The best host first, one that does not answer last; the exit status is the best one's."""
    name, more = road
    name(acc_host, "cn02")
    for host in (acc_host, more_hosts):
        probed(host)
    acc_host.sysfs.remove_vf(SEC_PF, 1, SEC_VFS[1])
    acc_host.sysfs.remove_vf(SEC_PF, 0, SEC_VFS[0])
    acc_host.agent.stop()
    acc_host.start_agent(os.environ["ACCMIG_AGENT"])
    ranking = json.loads(run(source, "check", "--json", "vm", "--to", "cn05,cn02,cn03,cn02,cn04", status=4, **more))
    assert (ranking["format"], ranking["domain"], ranking["outcome"]) == ("accmig-ranking/1", "vm", "unknown")
    assert [host["host"] for host in ranking["hosts"]] == ["cn03", "cn02", "cn04", "cn05"]
    [best, second, silent, unknown] = ranking["hosts"]
    assert (best["outcome"], second["outcome"], second["findings"]) == ("unknown", "incompatible", 1)
    assert best["report"]["format"] == "accmig-report/1" and best["findings"] > 0 and best["remapped"] is False
    assert "agent does not answer" in silent["error"] and "Could not resolve hostname" in unknown["error"]
    text = run(source, "check", "vm", "--to", "cn02,cn03,cn04", status=4, **more)
    assert text.startswith("vm → 3 hosts: unknown\nHOST ")
    assert [line.split()[:2] for line in text.splitlines()[2:]] == [["cn03", "unknown"], ["cn02", "incompatible"], ["cn04", "no"]]
    line = run(source, "check", "vm", "--to", "cn04,cn05", status=1, **more)
    assert "none of the 2 hosts has given a report; cn04: " in line and "; cn05: " in line


def test_check_forecast(source, acc_host, road):
    """A report of one host has digests, an end, what will be sent, and what would have to change."""
    name, more = road
    name(acc_host, "cn02")
    probed(acc_host)
    report = json.loads(run(source, "check", "--json", "vm", "--to", "cn02", status=4, **more))
    [row] = report["hostdevs"]
    assert re.fullmatch("[0-9a-f]{64}", row["verdict"]["source-digest"])
    assert row["verdict"]["target-digest"] == acc_host.get_device(row["target"])["ProfileDigest"]
    assert abs(report["expires"] - time.time() * 1e6 - 60e6) < 60e6
    assert set(report["transfer"]) == {"bytes", "complete"}
    wanted = {f["remedy"] for f in row["verdict"]["findings"] if f["severity"] != "note" and f["remedy"]}
    assert {remedy["remedy"] for remedy in report["remedies"]} == wanted and wanted
    assert all(remedy["hostdevs"] == ["hostdev0"] for remedy in report["remedies"])
    text = run(source, "check", "vm", "--to", "cn02", status=4, **more)
    assert "\nWhat would have to change:\n  hostdev0: " in text
