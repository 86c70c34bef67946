# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways from one host to another, as the agent finds them behind its socket."""

import contextlib
import os
import socket
import subprocess

from agent import Process, SECONDS

# How accmig-link has to call ssh; every word in brackets, as the stand-in writes them down.
SSH = "[-xT][-o][BatchMode=yes][-o][ConnectTimeout=10][--][{name}][systemd-stdio-bridge]"

STAND_IN = """#!/bin/sh
printf '[%s]' "$@" >> {record}
echo >> {record}
exec systemd-stdio-bridge --bus-path={bus}
"""


class Ssh:
    """A stand-in for ssh that leads to the bus of the host FAR, whatever the name."""

    def __init__(self, directory, far):
        self.directory = directory / "bin"
        self.directory.mkdir()
        self.record = directory / "ssh"
        self.record.touch()
        self.record.chmod(0o666)
        program = self.directory / "ssh"
        program.write_text(STAND_IN.format(record=self.record, bus=far.address if far else "unix:path=/nonexistent"))
        program.chmod(0o755)

    @property
    def path(self):
        """PATH with it in front."""
        return f"{self.directory}:/usr/bin:/bin"

    def calls(self):
        """What it was called with, so far."""
        return self.record.read_text().splitlines()


class Link(Process):
    """accmig-link behind the socket of HOST, one process for each connection, as systemd does it. A context manager."""

    def __init__(self, host, program, ssh, user=None):
        path = host.directory / "link.socket"
        if user is not None:
            host.directory.chmod(0o777)  # the socket is made there
        super().__init__(
            ["systemd-socket-activate", f"--listen={path}", "--accept", "--inetd", f"--setenv=PATH={ssh.path}",
             f"--setenv=ACCMIG_CONFIG_DIR={host.directory / 'conf'}", program], user=user, stderr=subprocess.STDOUT)
        self.wait_line("Listening on")
        path.chmod(0o666)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


@contextlib.contextmanager
def silent_link(host):
    """A socket in place of accmig-link's, for whose connections nobody does anything; the listening socket."""
    path = host.directory / "link.socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(16)
        listener.settimeout(SECONDS)
        yield listener


def read_line(listener):
    """Takes the next connection. Returns its first line."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as stream:
        connection.settimeout(SECONDS)
        return stream.readline()
