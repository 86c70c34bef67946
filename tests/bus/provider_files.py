# SPDX-License-Identifier: GPL-2.0-or-later
"""Provider configuration files that Nova takes, and such that keep it from starting.

They are what tests/bus holds against our rules and tests/nova against Nova's own.
"""


def provider(identification, traits=("CUSTOM_OTHER",), inventory=None):
    """One entry. @traits, @inventory: None leaves the part out."""
    text = f"  - identification:\n      {identification}\n"
    if traits is not None:
        text += "    traits:\n      additional: [" + ", ".join(traits) + "]\n"
    if inventory is not None:
        text += f"    inventories:\n      additional:\n        - {inventory}\n"
    return text


def document(*providers, version="'1.0'"):
    """A file."""
    return f"meta:\n  schema_version: {version}\nproviders:\n" + "".join(providers)


PLAIN = provider("name: pci_1")
ONE = "name: pci_1"

GOOD = {
    "plain": document(PLAIN),
    "two": document(PLAIN, provider("name: pci_2")),
    "later-minor": document(PLAIN, version="'1.7'"),
    "double-quotes": document(PLAIN, version='"1.0"'),
    "no-providers": "meta: {schema_version: '1.0'}\n",
    "empty-providers": "meta: {schema_version: '1.0'}\nproviders: []\n",
    "unknown-members": document(PLAIN) + "    later: {a: [1, 2.5, null, 2020-01-01]}\nlater: true\n",
    "inventory": document(provider(ONE, inventory="CUSTOM_X: {total: 8, reserved: 0, min_unit: 1, max_unit: 0x8, "
                                                  "step_size: 1, allocation_ratio: 1.5}")),
    "inventory-ratio": document(provider(ONE, traits=None, inventory="CUSTOM_X: {total: 8, allocation_ratio: 2}")),
    "quoted-name": document(provider("name: '17'")),
    "alias": "meta: &m {schema_version: '1.0'}\nagain: *m\nproviders: []\n",
    "no-op-twice": document(provider(ONE, traits=None), provider(ONE, traits=[])),
    "longest": document(provider(f"name: {'n' * 200}", traits=["CUSTOM_" + "X" * 248])),
    "json": '{"meta": {"schema_version": "1.0"}, "providers": []}\n',
}

BROKEN = {
    "empty": "",
    "comment": "# nothing\n",
    "text": "nothing\n",
    "list": "- a\n",
    "not-yaml": "meta: {\n",
    "tab": "meta:\n\tschema_version: '1.0'\n",
    "two-documents": document(PLAIN) + "---\n" + document(),
    "no-meta": "providers: []\n",
    "meta-null": "meta:\nproviders: []\n",
    "meta-list": "meta: [schema_version]\n",
    "no-version": "meta: {}\n",
    "version-float": document(PLAIN, version="1.0"),
    "version-2": document(PLAIN, version="'2.0'"),
    "version-word": document(PLAIN, version="latest"),
    "version-only-major": document(PLAIN, version="'1'"),
    "reserved": document(PLAIN) + "__source_file: a\n",
    "providers-map": "meta: {schema_version: '1.0'}\nproviders: {}\n",
    "providers-null": "meta: {schema_version: '1.0'}\nproviders:\n",
    "provider-text": document("  - a\n"),
    "no-identification": document("  - traits: {additional: [CUSTOM_X]}\n"),
    "identification-text": document("  - identification: a\n"),
    "identification-empty": document("  - identification: {}\n"),
    "identification-both": document("  - identification: {uuid: $COMPUTE_NODE, name: a}\n"),
    "identification-other": document("  - identification: {id: a}\n"),
    "uuid-short": document(provider("uuid: 8d4d8f5a-7d1f-4a1c-9a52")),
    "uuid-word": document(provider("uuid: $COMPUTE")),
    "uuid-number": document(provider("uuid: 17")),
    "name-empty": document(provider("name: ''")),
    "name-long": document(provider(f"name: {'n' * 201}")),
    "name-number": document(provider("name: 17")),
    "name-boolean": document(provider("name: yes")),
    "name-null": document(provider("name: ~")),
    "name-date": document(provider("name: 2020-01-01")),
    "traits-list": document(f"  - identification: {{{ONE}}}\n    traits: [CUSTOM_X]\n"),
    "traits-text": document(f"  - identification: {{{ONE}}}\n    traits: {{additional: CUSTOM_X}}\n"),
    "trait-standard": document(provider(ONE, traits=["HW_CPU_X86_AVX2"])),
    "trait-lower": document(provider(ONE, traits=["CUSTOM_x"])),
    "trait-dash": document(provider(ONE, traits=["CUSTOM_X-Y"])),
    "trait-long": document(provider(ONE, traits=["CUSTOM_" + "X" * 249])),
    "trait-number": document(provider(ONE, traits=["17"])),
    "trait-empty": document(provider(ONE, traits=["''"])),
    "inventory-map": document(f"  - identification: {{{ONE}}}\n    inventories: {{additional: {{CUSTOM_X: {{total: 1}}}}}}\n"),
    "inventory-standard": document(provider(ONE, inventory="VCPU: {total: 1}")),
    "inventory-lower": document(provider(ONE, inventory="CUSTOM_x: {total: 1}")),
    "inventory-no-total": document(provider(ONE, inventory="CUSTOM_X: {reserved: 1}")),
    "inventory-text-total": document(provider(ONE, inventory="CUSTOM_X: {total: '1'}")),
    "inventory-half-total": document(provider(ONE, inventory="CUSTOM_X: {total: 1.5}")),
    "inventory-boolean-total": document(provider(ONE, inventory="CUSTOM_X: {total: yes}")),
    "inventory-text-ratio": document(provider(ONE, inventory="CUSTOM_X: {total: 1, allocation_ratio: a}")),
    "inventory-unknown": document(provider(ONE, inventory="CUSTOM_X: {total: 1, more: 2}")),
    "inventory-number": document(provider(ONE, inventory="CUSTOM_X: 1")),
    "twice": document(PLAIN, PLAIN),
    "tag": document(PLAIN) + "later: !!python/object:os.system {}\n",
}
