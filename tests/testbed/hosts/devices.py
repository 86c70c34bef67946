# SPDX-License-Identifier: GPL-2.0-or-later
"""The migratable devices of one host: making them, looking into them, and breaking them.

The knobs are those of tests/kernel/accsim and tests/kernel/migsim; their README files say what each does.
"""

import dataclasses
import json
import shlex

ACCSIM = "/sys/kernel/debug/accsim"
MIGSIM = "/sys/kernel/debug/migsim"


@dataclasses.dataclass(frozen=True)
class Arc:
    """One row of migsim's log. Times are nanoseconds of the host's clocks; None while the arc is under way."""

    seq: int
    via: str            # arc, open, close or reset
    source: str         # states, as the kernel names them
    target: str
    start_mono: int
    start_real: int
    end_mono: int | None
    end_real: int | None
    errno: int | None
    pid: int
    comm: str


class Devices:
    """What tests do with the devices of HOST."""

    def __init__(self, host):
        self.host = host
        # Kinds that are perhaps not as "devices up" makes them: at first nothing is known of any.
        self._changed = {"acc", "migsim", "mdev"}

    # ---- making --------------------------------------------------------------------------------

    def up(self, *kinds, acc_pf_queues=None, acc_vfs=None, migsim_vfs=None, accsim=(), migsim=()):
        """Make devices of KINDS (all when none is named), other than by default where an option says so.

        ACCSIM and MIGSIM are pairs (parameter, value) of the modules. Returns the addresses by kind."""
        self._changed |= set(kinds or ("acc", "migsim", "mdev"))
        words = ["devices", "up", *kinds]
        numbers = {"acc-pf-queues": acc_pf_queues, "acc-vfs": acc_vfs, "migsim-vfs": migsim_vfs}
        words += [f"--{name}={value}" for name, value in numbers.items() if value is not None]
        for module, parameters in (("accsim", accsim), ("migsim", migsim)):
            words += [f"--{module}={name}={value}" for name, value in dict(parameters).items()]
        return json.loads(self.host.output(shlex.join(words), timeout=240))

    def touched(self, *kinds):
        """Devices of KINDS were changed by other means; reset() makes them anew."""
        self._changed |= set(kinds)

    def reset(self):
        """Bring all devices back to what they are by default; no domain may have one of them."""
        if self._changed:
            self.down(*sorted(self._changed))
            self.up()
        self._changed = set()

    def down(self, *kinds):
        """Unmake devices of KINDS (all when none is named); no domain may have one of them."""
        self._changed |= set(kinds)
        self.host.run(shlex.join(["devices", "down", *kinds]), timeout=240)

    def show(self):
        """The addresses of what is there, by kind."""
        return json.loads(self.host.output("devices show"))

    # ---- the simulated accelerator ---------------------------------------------------------------

    def _accsim(self, *words):
        self._changed.add("acc")
        self.host.write(f"{ACCSIM}/control", " ".join(str(word) for word in words))

    def acc_ready(self, address):
        """Play the guest's driver starting the VF; only after QEMU has opened it, for opening resets it."""
        self._accsim("guest-ready", _function(address))

    def acc_poke(self, address, offset, value):
        """Write a register of a function, as nobody could on a real device."""
        self._accsim("poke", _function(address), hex(offset), hex(value))

    def acc_busy(self, address, on=True):
        """Let messages be pending at a VF, so that it cannot be stopped for copying."""
        self._accsim("busy", _function(address), "on" if on else "off")

    def acc_ras(self, value):
        """Set the PF's error status; 0 is healthy."""
        self._accsim("ras", hex(value))

    def acc_fail(self, address, command, answer, *status):
        """Let the mailbox answer COMMAND with ANSWER: error STATUS, hang, or ok."""
        self._accsim("mailbox", _function(address), command, answer, *status)

    def acc_state(self, address):
        """What the simulator knows of one function, as a dictionary of texts."""
        wanted = str(_function(address))
        for line in self.host.file(f"{ACCSIM}/state").splitlines():
            row = dict(pair.split("=", 1) for pair in line.split() if "=" in pair)
            if row.get("function") == wanted:
                return row
        raise AssertionError(f"{self.host}: accsim knows no function {wanted}")

    # ---- migsim ------------------------------------------------------------------------------------

    def _migsim(self, path, text):
        self._changed.add("migsim")
        self.host.write(path, text)

    def bind(self, address):
        """Bind a VF to migsim beforehand, for domains that are not managed: then its log outlives them."""
        self._migsim(f"/sys/bus/pci/devices/{address}/driver_override", "migsim")
        self._migsim("/sys/bus/pci/drivers_probe", address)

    def migsim_parameter(self, name, value):
        """Change a parameter of the loaded module."""
        self._migsim(f"/sys/module/migsim/parameters/{name}", str(value))

    def fault(self, address, text):
        """Arm a fault of migsim, or carry out "release" or "clear"."""
        self._migsim(f"{MIGSIM}/{address}/fault", text)

    def migsim_state(self, address):
        return self.host.file(f"{MIGSIM}/{address}/state").strip()

    def seed(self, address, value=None):
        """The number that is the device's state; given a VALUE, it is set first."""
        path = f"{MIGSIM}/{address}/seed"
        if value is not None:
            self._migsim(path, str(value))
        return int(self.host.file(path), 0)

    def arcs(self, address):
        """The log of a bound VF, oldest first."""
        return [_arc(line) for line in self.host.file(f"{MIGSIM}/{address}/arcs").splitlines()]


def _function(address):
    """The number of a function of the accelerator: 0 is the PF, n is VF n."""
    return int(address.rpartition(".")[2])


def _arc(line):
    text, _, comm = line.partition(" comm=")
    row = dict(pair.split("=", 1) for pair in text.split())

    def number(name):
        return None if row[name] == "-" else int(row[name])

    return Arc(seq=number("seq"), via=row["via"], source=row["from"], target=row["to"],
               start_mono=number("start_mono"), start_real=number("start_real"),
               end_mono=number("end_mono"), end_real=number("end_real"), errno=number("errno"),
               pid=number("pid"), comm=comm)
