# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the root with Nova: what Nova's own loader makes of each directory below the one that is named.

Prints a JSON object: by the directory's name, either the traits of each provider or the error.
"""

import json
import pathlib
import sys

from nova.compute import provider_config


def load(directory):
    """As nova-compute does it when it starts."""
    try:
        found = provider_config.get_provider_configs(str(directory))
    except Exception as error:  # whatever it is, nova-compute ends with it  pylint: disable=broad-exception-caught
        return {"error": f"{type(error).__name__}: {error}"}
    return {"providers": {name: sorted(entry.get("traits", {}).get("additional", [])) for name, entry in found.items()}}


def main(path):
    print(json.dumps({one.name: load(one) for one in sorted(pathlib.Path(path).iterdir())}))


main(sys.argv[1])
