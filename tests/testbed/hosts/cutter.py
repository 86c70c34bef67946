# SPDX-License-Identifier: GPL-2.0-or-later
"""An ssh that breaks what it carries: accmigctl migrate takes it for the real one, which it starts, when it comes first
in PATH."""

FOLDER = "/run/testbed-cutter"

WAYS = ("end", "kill", "flip")

# The stream is a first line with the header's length in hex, the header, chunks with their lengths (big endian) before
# them, and an empty one. HOW: end closes the way there, as a full stop; kill ends ssh as well; flip inverts one byte.
SCRIPT = """#!/usr/bin/python3
import json, os, struct, subprocess, sys

if sys.argv[-1] != "receive":
    os.execv("/usr/bin/ssh", ["ssh", *sys.argv[1:]])

name, how, at = os.environ["CUT_NAME"], os.environ["CUT_HOW"], int(os.environ["CUT_AT"])
stream = open(0, "rb")
ssh = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "/usr/bin/ssh", *sys.argv[1:]], stdin=subprocess.PIPE)


def leave():
    if how == "kill":
        ssh.kill()
    ssh.stdin.close()
    sys.exit(ssh.wait())


def take(size):
    data = stream.read(size)
    if len(data) < size:
        ssh.stdin.close()
        sys.exit(ssh.wait())
    return data


def put(data):
    try:
        ssh.stdin.write(data)
        ssh.stdin.flush()
    except BrokenPipeError:
        sys.exit(ssh.wait())


line = take(25)
header = take(int(line.split()[1], 16))
put(line + header)
aimed = json.loads(header)["name"] == name
done = 0
while True:
    if aimed and how != "flip" and done == at:
        leave()
    head = take(4)
    [size] = struct.unpack(">I", head)
    if size == 0:
        put(head + take(40))
        break
    chunk = bytearray(take(size))
    if aimed and done <= at < done + size:
        if how != "flip":
            put(head + chunk[:at - done])
            leave()
        chunk[at - done] ^= 0xff
    put(head + chunk)
    done += size
take(1)
"""


def install(host):
    """Put it onto a host."""
    host.run(f"mkdir -p {FOLDER}")
    host.write(f"{FOLDER}/ssh", SCRIPT)
    host.run(f"chmod 755 {FOLDER}/ssh")


def environment(name, how, at):
    """What to write before a command, so that it breaks the stream of the device NAME after AT bytes of its state."""
    return f"PATH={FOLDER}:$PATH CUT_NAME={name} CUT_HOW={how} CUT_AT={at}"
