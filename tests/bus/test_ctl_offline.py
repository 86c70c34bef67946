# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl without an agent: its command line, and the verbs that work on files. ACCMIG_CTL names the program."""

import copy
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest

CTL = os.environ.get("ACCMIG_CTL", "")
SECONDS = 30

pytestmark = [pytest.mark.timeout(4 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]

PROFILE = {
    "format": "accmig-profile/1",
    "host": {"kernel": "6.12.107", "machine": "aarch64", "page-size": 4096},
    "device": {"address": "0000:75:00.1", "kind": "pci", "family": "hisi_acc", "vendor": "0x19e5", "device": "0xa256",
               "revision": "0x30", "driver": "hisi_acc_vfio_pci", "vfio": True, "pf": "0000:75:00.0", "pf-driver": "hisi_sec2",
               "migration": True, "flags": 5},
    "hisi_acc": {"hardware": "QM_HW_V3", "magic": "0xaaccfeeddecadede", "major": 1, "minor": 0, "qp-num": 8,
                 "isolation": 0},
}


def ctl(*words, stdin=b"", status=0):
    """Runs it. An error is one line; success says nothing on the standard error."""
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([CTL, *words], input=stdin, capture_output=True, timeout=SECONDS, env=environment, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, (done.returncode, out, err)
    if status in (1, 2):
        assert err.startswith("accmigctl: ") and err.count("\n") == 1 and out == "", (out, err)
    else:
        assert err == ""
    return err or out


def changed(changes):
    """The profile above with changes: values by path; None takes a member away."""
    profile = copy.deepcopy(PROFILE)
    for path, value in changes.items():
        *parents, name = path.split(".")
        target = profile
        for parent in parents:
            target = target[parent]
        target[name] = value
        if value is None:
            del target[name]
    return profile


@pytest.fixture(name="files")
def make_files(tmp_path):
    """Writes profiles to files. Returns their paths."""
    def write(*profiles):
        paths = []
        for number, profile in enumerate(profiles):
            path = tmp_path / f"{number}.json"
            path.write_text(profile if isinstance(profile, str) else json.dumps(profile))
            paths.append(str(path))
        return paths
    return write


# ---- the command line ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, said", [
    ([], "what is to be done?"),
    (["conjure"], "no verb “conjure”"),
    (["--conjure", "devices"], "--conjure"),
    (["state"], "get, set, path, save, load or inspect"),
    (["state", "conjure"], "get, set, path, save, load or inspect"),
    (["devices", "all"], "“all” is one word too many"),
    (["profile"], "profile needs ADDRESS"),
    (["compare", "one.json"], "compare needs SOURCE TARGET"),
    (["compare", "-", "-"], "only one of the two"),
    (["devices", "--peer", "cn02"], "devices takes no option --peer"),
    (["show", "--to"], "--to"),
    (["show", "first"], "“first” is no migration's number"),
    (["show", "0"], "“0” is no migration's number"),
    (["migrations", "--limit", "0"], "must be 1 to 1000"),
    (["migrations", "--limit", "many"], "must be 1 to 1000"),
    (["state", "save", "-H", "cn02", "0000:75:00.1", "-"], "state save takes no option --host"),
    (["-H", "", "devices"], "a host without a name is none"),
])
def test_usage(words, said):
    """One sentence that names what was found."""
    assert said in ctl(*words, status=2)


VERBS = ["devices", "profile", "compare", "check", "fleet", "fleet baseline", "nova-provider", "migrations", "show",
         "monitor", "state get", "state set", "state path", "state save", "state load", "state inspect", "device reset"]


def test_help():
    """Every verb has a row, and a help of its own."""
    text = ctl("--help")
    for verb in VERBS:
        assert f"\n  {verb}" in text
        assert ctl(*verb.split(), "--help").startswith(f"accmigctl {verb}")
    assert ctl("--version").startswith("accmigctl ")


@pytest.mark.parametrize("words", [
    ["devices"], ["--json", "profile", "0000:75:00.1"], ["check", "vm"], ["migrations"], ["show"], ["monitor"],
    ["state", "get", "0000:75:00.1"], ["state", "set", "0000:75:00.1", "stop"], ["device", "reset", "--yes", "0000:75:00.1"],
])
def test_no_bus(words):
    """Whoever asks an agent is told that there is none."""
    line = ctl(*words, status=1)
    assert "does not answer on this host's system bus" in line and "is accmigd.service running?" in line


# ---- compare ------------------------------------------------------------------------------------------------------

def test_compare_equal(files):
    """Equal profiles are compatible, whatever their form, in whatever place the options stand."""
    one, two = files(PROFILE, json.dumps(PROFILE, indent=4))
    assert ctl("compare", one, two) == "0000:75:00.1 → 0000:75:00.1: compatible\n"
    verdict = json.loads(ctl("--json", "compare", one, two))
    assert verdict["outcome"] == "compatible" and verdict["findings"] == []
    assert verdict["source-digest"] == verdict["target-digest"]
    assert json.loads(ctl("compare", one, "--json", "-", stdin=json.dumps(PROFILE).encode())) == verdict


OUTCOMES = [
    ("degraded", 0, {"device.flags": 7}, {}, "device.flags.p2p"),
    ("incompatible", 3, {}, {"hisi_acc.qp-num": 4}, "hisi_acc.qp-num"),
    ("unknown", 4, {}, {"hisi_acc.qp-num": None}, "hisi_acc.qp-num"),
]


@pytest.mark.parametrize("outcome, status, source, target, rule", OUTCOMES, ids=[row[0] for row in OUTCOMES])
def test_compare_outcomes(files, outcome, status, source, target, rule):
    """Each has its exit status, and its finding in both forms."""
    paths = files(changed(source), changed({"device.address": "0000:75:00.3", **target}))
    verdict = json.loads(ctl("--json", "compare", *paths, status=status))
    assert verdict["outcome"] == outcome
    finding = next(f for f in verdict["findings"] if f["rule"] == rule)
    text = ctl("compare", *paths, status=status)
    assert text.startswith(f"0000:75:00.1 → 0000:75:00.3: {outcome}\nSEVERITY")
    assert rule in text and finding["sentence"] in text and finding["remedy"] in text


def test_compare_managed(files):
    """libvirt binds the target itself: the driver it is bound to now does not count."""
    paths = files(PROFILE, changed({"device.driver": "hisi_sec2", "device.vfio": False, "device.migration": None,
                                    "device.variant": "hisi_acc_vfio_pci", "device.flags": None}))
    assert "bound to hisi_sec2, which is no VFIO driver" in ctl("compare", *paths, status=3)
    assert "libvirt will bind it to hisi_acc_vfio_pci" in ctl("compare", "--managed", *paths)


@pytest.mark.parametrize("text, said", [
    ("", "0.json"),
    ("{", "0.json"),
    ("[]", "0.json"),
    (json.dumps(changed({"format": "accmig-profile/2"})), "accmig-profile/2"),
    (json.dumps(changed({"device.family": None})), "family"),
    ("{" + " " * 70000 + "}", "65536"),
], ids=["empty", "cut", "array", "later", "no-family", "large"])
def test_compare_bad_files(files, text, said):
    """A sentence with the file, on either side."""
    bad, good = files(text, PROFILE)
    for words in ((bad, good), (good, bad)):
        line = ctl("compare", *words, status=1)
        assert bad in line and said in line


def test_compare_no_file(files):
    """Nothing, a directory."""
    [good] = files(PROFILE)
    assert "/nonexistent/file cannot be read" in ctl("compare", good, "/nonexistent/file", status=1)
    assert "/tmp cannot be read" in ctl("compare", "/tmp", good, status=1)


def test_output_that_cannot_be_written(files):
    """A result that nobody got is a failure."""
    one, two = files(PROFILE, PROFILE)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CTL, "compare", one, two], stdout=full, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"accmigctl: the standard output cannot be written")


def test_terminal_is_wide_enough(files):
    """On a terminal no line is longer than it is."""
    paths = files(PROFILE, changed({"device.driver": "vfio-pci", "device.migration": False, "device.flags": None,
                                    "hisi_acc.qp-num": 4}))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 60, 0, 0))
    done = subprocess.run([CTL, "compare", *paths], stdout=follower, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    os.close(follower)
    lines = os.read(leader, 65536).decode().splitlines()
    os.close(leader)
    assert done.returncode == 3
    assert max(map(len, lines)) <= 60
    text = " ".join(" ".join(lines).split())
    assert "driver_override, unbind its present driver" in text, text


def test_terminal_sees_no_commands(files):
    """What a name from elsewhere could do to a terminal."""
    line = ctl("compare", "/nonexistent/\x1b[31m\nred\u202e", *files(PROFILE), status=1)
    assert "\x1b" not in line and "\u202e" not in line


# ---- state inspect --------------------------------------------------------------------------------------------------

MATCH = struct.pack("<QIIIIIHH8x", 0xAACCFEEDDECADEDE, 18, 0xA256, 0, 8, 0, 1, 0)


def test_inspect(tmp_path):
    """The match data of an accelerator, in both forms, from a file and from a pipe."""
    path = tmp_path / "state"
    path.write_bytes(MATCH)
    text = ctl("state", "inspect", str(path))
    assert text.startswith("hisi_acc, 40 bytes; ") and "\nNAME" in text
    assert [line.split() for line in text.splitlines() if line.startswith("qp_num")] == [["qp_num", "8", "4", "18"]]
    shown = json.loads(ctl("--json", "state", "inspect", "-", stdin=MATCH))
    assert (shown["format"], shown["family"], shown["length"]) == ("accmig-state/1", "hisi_acc", 40)
    assert {"name": "qp_num", "offset": 8, "size": 4, "value": "18"} in shown["fields"]
    assert sum(field["size"] for field in shown["fields"]) == 40
    whole = MATCH + bytes(136)
    assert sum(f["size"] for f in json.loads(ctl("--json", "state", "inspect", "-", stdin=whole))["fields"]) == 176


@pytest.mark.parametrize("data, said", [
    (b"", "0 bytes"),
    (MATCH[:30], "30 bytes"),
    (MATCH + b"x", "41 bytes"),
    (b"\xff" + MATCH[1:], "no magic of a known family"),
], ids=["empty", "cut", "long", "magic"])
def test_inspect_bad_files(tmp_path, data, said):
    """The file, and what was found."""
    path = tmp_path / "state"
    path.write_bytes(data)
    line = ctl("state", "inspect", str(path), status=1)
    assert str(path) in line and said in line


def test_load_looks_first(tmp_path):
    """A file that cannot be understood does not come as far as the agent."""
    path = tmp_path / "state"
    path.write_bytes(MATCH[:30])
    assert "--force loads it all the same" in ctl("state", "load", "0000:75:00.1", str(path), status=1)
    assert "does not answer" in ctl("state", "load", "--force", "0000:75:00.1", str(path), status=1)


def test_save_leaves_nothing(tmp_path):
    """Neither the file nor a draft of it, and a file that was there stays as it was."""
    path = tmp_path / "state"
    assert "does not answer" in ctl("state", "save", "0000:75:00.1", str(path), status=1)
    assert not list(tmp_path.iterdir())
    path.write_text("mine")
    assert "is there already" in ctl("state", "save", "0000:75:00.1", str(path), status=1)
    assert "does not answer" in ctl("state", "save", "--force", "0000:75:00.1", str(path), status=1)
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]
