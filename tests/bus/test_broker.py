# SPDX-License-Identifier: GPL-2.0-or-later
"""The broker over its socket: each case of the C program test-broker, which speaks to it as the agent does.

ACCMIG_TEST_BROKER names that program, ACCMIG_BROKER the broker.
"""

import os
import re
import subprocess

import pytest

PROGRAM = os.environ.get("ACCMIG_TEST_BROKER", "")
SECONDS = 60

pytestmark = [pytest.mark.timeout(2 * SECONDS),
              pytest.mark.skipif(not PROGRAM, reason="ACCMIG_TEST_BROKER does not name the program")]


def cases():
    """Their paths."""
    if not PROGRAM:
        return []
    done = subprocess.run([PROGRAM, "-l"], stdout=subprocess.PIPE, text=True, timeout=SECONDS, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith("/")]


@pytest.mark.parametrize("case", cases())
def test_broker(case):
    """One case."""
    done = subprocess.run([PROGRAM, "--tap", "-p", case], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=SECONDS, check=False)
    skipped = re.search(r"^ok .* # SKIP (.*)$", done.stdout, re.M)
    if skipped:
        pytest.skip(skipped[1])
    assert done.returncode == 0 and re.search("^ok ", done.stdout, re.M), done.stdout
