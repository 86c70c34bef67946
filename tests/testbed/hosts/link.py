# SPDX-License-Identifier: GPL-2.0-or-later
"""The way from one host's agent to another's, set up as accmig-link(8) tells an operator to."""

import shlex

ACCOUNT = "accmig-peer"
HOME = "/var/lib/accmig-link"
PEER_HOME = "/var/lib/accmig-peer"

# At the host that tells: a key of accmig-link's own, and the account it goes to.
TELL = f"""
set -e
cd {HOME}
install -d -m 700 -o accmig-link -g accmig-link .ssh
[ -e .ssh/id_ed25519 ] || runuser -u accmig-link -- ssh-keygen -q -t ed25519 -N '' -f {HOME}/.ssh/id_ed25519
echo 'User {ACCOUNT}' > .ssh/config
cat .ssh/id_ed25519.pub
"""

# At the host that is told: an account that can do nothing but speak to the bus there, and what it may say.
LISTEN = f"""
set -e
id {ACCOUNT} >/dev/null 2>&1 ||
  useradd --system --create-home --home-dir {PEER_HOME} --shell /bin/sh --password '*' {ACCOUNT}
install -d -m 700 -o {ACCOUNT} -g {ACCOUNT} {PEER_HOME}/.ssh
cat > /etc/polkit-1/rules.d/50-accmig-peer.rules <<'END'
polkit.addRule(function(action, subject) {{
  if (action.id == "org.accmig1.report-refusal" && subject.user == "{ACCOUNT}")
    return polkit.Result.YES;
}});
END
systemctl try-restart polkit.service
"""


def make(teller, listener):
    """Let the agent of TELLER reach the one of LISTENER; which hosts it tells is a setting of its own."""
    key = teller.output(TELL)
    listener.run(LISTEN)
    listener.write(f"{PEER_HOME}/.ssh/authorized_keys", f'restrict,command="systemd-stdio-bridge" {key}\n')
    host_key = listener.output("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    known = f"{HOME}/.ssh/known_hosts"
    teller.run(f"touch {known}; sed -i '/^{listener.name} /d' {known}; "
               f"echo {shlex.quote(f'{listener.name} {host_key}')} >> {known}")
    # Whether it works, as an operator would look; and nothing has to be read from a slow disk afterwards.
    teller.run(f"runuser -u accmig-link -- accmigctl -H {listener.name} migrations")


def ask(host, *words, status=0):
    """accmigctl on HOST as the user whom the hosts it was linked to know; returns its CompletedProcess."""
    done = host.run(shlex.join(["runuser", "-u", "accmig-link", "--", "accmigctl", *words]), check=False)
    assert done.returncode == status, f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def used(host):
    """How many connections the host's agent has made to other hosts since the socket was opened."""
    return int(host.output("systemctl show -P NAccepted accmig-link.socket"))
