# SPDX-License-Identifier: GPL-2.0-or-later
"""A test host as tests see it: run a command, read the journal, start and migrate domains.

Everything goes over ssh as root and everything has a limit. A command that fails raises CommandFailed with
what it printed; a wait that ends without its event raises TimeoutError with what was awaited.
"""

import json
import re
import shlex
import subprocess
import time

from . import agent, devices, product

# Under emulation, with the other cores busy, a command may take many times what it takes when idle.
COMMAND_LIMIT = 120
MIGRATION_LIMIT = 240


class CommandFailed(AssertionError):
    """A command in a host ended with another status than 0. MORE is what else may tell why."""

    def __init__(self, host, command, done, more=""):
        super().__init__(f"{host}: {command}: status {done.returncode}\n{done.stdout}{done.stderr}{more}")
        self.done = done


class Running:
    """A command that was started in a host and not waited for yet."""

    def __init__(self, host, command, argv):
        self.host, self.command = host, command
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True, errors="replace")

    def is_done(self):
        return self._process.poll() is not None

    def lines(self):
        """Its lines as they come, until it ends; the limit is the one it was started with."""
        for line in self._process.stdout:
            yield line.rstrip("\n")

    def wait(self, timeout=MIGRATION_LIMIT, check=True):
        """Its CompletedProcess, once it has ended."""
        try:
            stdout, stderr = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            self._process.kill()
            self._process.communicate()
            raise TimeoutError(f"{self.host}: {self.command}: not finished after {timeout} s") from late
        done = subprocess.CompletedProcess(self.command, self._process.returncode, stdout, stderr)
        if check and done.returncode != 0:
            raise CommandFailed(self.host, self.command, done)
        return done


class Host:
    """One of the two hosts, up and reachable."""

    def __init__(self, machine):
        self.machine = machine
        self.name = machine.name
        self.devices = devices.Devices(self)
        self.has_accmig = False     # whether this run has installed it
        self.agent = agent.Agent(self)

    def __repr__(self):
        return self.name

    # ---- commands and files ----------------------------------------------------------------------

    def start(self, command, limit=COMMAND_LIMIT):
        """Start a shell command, which the host itself ends after LIMIT seconds; returns a Running."""
        bounded = f"timeout {limit} sh -c {shlex.quote(command)}"
        return Running(self.name, command, self.machine.ssh_command([bounded]))

    def run(self, command, timeout=COMMAND_LIMIT, check=True):
        """Run a shell command to its end; returns its CompletedProcess."""
        done = self.start(command, timeout).wait(timeout + 30, check=False)
        if done.returncode == 124:
            raise TimeoutError(f"{self.name}: {command}: not finished after {timeout} s\n{done.stdout}{done.stderr}")
        if check and done.returncode != 0:
            raise CommandFailed(self.name, command, done, self._kernel_on(command))
        return done

    def _kernel_on(self, command):
        """The kernel's last lines, where the command that failed was one to make devices."""
        if not command.startswith("devices "):
            return ""
        return f"the kernel's last lines:\n{self.run('dmesg | tail -n 30', check=False).stdout}"

    def responds(self):
        """Whether the host still runs commands."""
        try:
            return self.run("true", timeout=60, check=False).returncode == 0
        except TimeoutError:
            return False

    def start_again(self):
        """As after a loss of power: nothing is left of what was in its memory or on its disk."""
        self.machine.stop()
        self.machine.start()
        self.machine.wait_ready()
        self.devices.touched("acc", "migsim", "mdev")
        if self.has_accmig:
            product.install(self.machine)

    def output(self, command, timeout=COMMAND_LIMIT):
        """What a shell command prints, without white space around it."""
        return self.run(command, timeout).stdout.strip()

    def file(self, path):
        """The content of a text file of the host."""
        return self.run(f"cat {shlex.quote(str(path))}").stdout

    def write(self, path, text):
        """Write TEXT into a file of the host, in one write(), as files in sysfs and debugfs want it."""
        self.run(f"printf %s {shlex.quote(text)} > {shlex.quote(str(path))}")

    def wait_for(self, predicate, timeout=COMMAND_LIMIT, what="condition", period=0.3):
        """Wait until PREDICATE returns something true, and return that."""
        deadline = time.monotonic() + timeout
        while True:
            found = predicate()
            if found:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {what}: not seen within {timeout} s")
            time.sleep(period)

    # ---- journal ---------------------------------------------------------------------------------

    def cursor(self):
        """The end of the journal as it is now."""
        line = self.output("journalctl -n 0 --show-cursor --no-pager | tail -n 1")
        return line.removeprefix("-- cursor: ")

    def journal(self, since=None, unit=None, **fields):
        """The entries after the cursor SINCE as dictionaries; FIELDS select by value, as journalctl does."""
        words = ["journalctl", "--no-pager", "-o", "json", "--all"]
        if since:
            words.append(f"--after-cursor={since}")
        if unit:
            words.append(f"--unit={unit}")
        words += [f"{name}={value}" for name, value in fields.items()]
        lines = self.run(shlex.join(words)).stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_journal(self, since, pattern, timeout=COMMAND_LIMIT, unit=None, **fields):
        """Wait for an entry after SINCE whose message matches the regular expression PATTERN; return it."""
        def match():
            for entry in self.journal(since, unit, **fields):
                if re.search(pattern, str(entry.get("MESSAGE", ""))):
                    return entry
            return None
        return self.wait_for(match, timeout, f"a journal entry like “{pattern}”", period=1)

    # ---- domains ---------------------------------------------------------------------------------

    def virsh(self, *words, timeout=COMMAND_LIMIT, check=True):
        """Run virsh on this host's libvirt; returns the CompletedProcess."""
        return self.run(shlex.join(["virsh", "-q", *words]), timeout, check)

    def define(self, domain):
        """Define a domain.Domain here."""
        self.will_have(domain)
        path = f"/run/{domain.name}.xml"
        self.write(path, domain.xml())
        self.virsh("define", path)

    def will_have(self, domain):
        """Have devices made anew after the domain: an mdev keeps what its guest left in it, the others do not."""
        if domain.kind == "mdev":
            self.devices.touched("mdev")

    def start_domain(self, domain):
        """Define a domain, start it and wait until its guest beats."""
        self.define(domain)
        self.virsh("start", domain.name)
        self.wait_beat(domain)

    def domain_state(self, domain):
        """libvirt's word for the domain's state; "absent" when it is not known here."""
        done = self.virsh("domstate", domain.name, check=False)
        return done.stdout.strip() if done.returncode == 0 else "absent"

    def destroy_all(self):
        """Destroy and undefine every domain."""
        self.run("for name in $(virsh -q list --all --name); do virsh -q destroy $name 2>/dev/null; "
                 "virsh -q undefine $name 2>/dev/null; done; true")

    def qemu_pid(self, domain):
        """The process id of the domain's QEMU."""
        return int(self.file(f"/run/libvirt/qemu/{domain.name}.pid"))

    def guest_log(self, domain):
        """What the guest has printed on this host: its serial port begins a new log on every host."""
        return self.run(f"cat {domain.serial_log} 2>/dev/null", check=False).stdout

    def heartbeat(self, domain):
        """The guest's last beat that was printed on this host; 0 when there was none yet."""
        beats = re.findall(r"^beat (\d+)\r?$", self.guest_log(domain), re.MULTILINE)
        return int(beats[-1]) if beats else 0

    def wait_beat(self, domain, after=0, timeout=COMMAND_LIMIT):
        """Wait until the guest has beaten more than AFTER times; returns the beat.

        The host itself looks again and again: to be asked by ssh would take the time from the guest."""
        last = f"awk '/^beat [0-9]/ {{ n = $2 + 0 }} END {{ print n + 0; exit (n <= {after}) }}' {domain.serial_log}"
        return int(self.output(f"until n=$({last} 2>/dev/null); do sleep 0.2; done; echo $n", timeout))

    def migrate(self, domain, to, timeout=MIGRATION_LIMIT, check=True, **options):
        """Migrate a domain to the host TO and wait for the end; returns virsh's CompletedProcess."""
        return self.migrate_async(domain, to, timeout=timeout, **options).wait(timeout + 30, check)

    def migrate_async(self, domain, to, p2p=False, live=True, undefine=True, timeout=MIGRATION_LIMIT, extra=()):
        """Start to migrate a domain to the host TO; returns a Running.

        Without UNDEFINE the domain stays defined here, shut off, and job_stats() can be asked afterwards."""
        to.will_have(domain)
        flags = {"--live": live, "--p2p": p2p, "--persistent": True, "--undefinesource": undefine}
        words = ["virsh", "-q", "migrate", *[flag for flag, on in flags.items() if on], *extra]
        return self.start(shlex.join([*words, domain.name, f"qemu+tcp://{to.name}/system"]), timeout)

    def job_stats(self, domain):
        """libvirt's figures on the domain's last completed migration, by libvirt's names."""
        text = self.virsh("domjobinfo", "--completed", "--keep-completed", "--rawstats", domain.name).stdout
        pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
        return {name.strip(): int(value) for name, value in pairs if value.strip().isdigit()}

    # ---- logs ------------------------------------------------------------------------------------

    def save_logs(self, folder, since=None):
        """Keep what may tell why a test failed in FOLDER."""
        folder.mkdir(parents=True, exist_ok=True)
        after = f"--after-cursor={shlex.quote(since)}" if since else ""
        commands = {
            "journal": f"journalctl --no-pager -o short-monotonic {after}",
            "dmesg": "dmesg | tail -n 400",
            "qemu": "tail -n 200 /var/log/libvirt/qemu/*.log",
            "guests": "tail -n 20 /var/log/guest-*.log",
            "devices": "devices show",
        }
        for name, command in commands.items():
            try:
                done = self.run(command, check=False)
                text = done.stdout + done.stderr
            except TimeoutError as late:
                text = str(late)
            (folder / f"{self.name}-{name}.txt").write_text(text)
        (folder / f"{self.name}-console.txt").write_text(self.machine.console())
