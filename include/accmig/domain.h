/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/guest.h>

/*
 * What accmig reads from and writes into libvirt's domain XML.
 *
 * The XML may come from another host and is hostile: capped in size, parsed without network, entities and
 * DTDs. Only VFIO hostdevs (pci, mdev, <interface type='hostdev'>), the element <devices
 * xmlns="urn:accmig:1"> below <metadata>, the NUMA nodes of the memory and what #AccmigGuest has are looked
 * at.
 */

typedef struct _AccmigDomain AccmigDomain;

#define ACCMIG_METADATA_URI        "urn:accmig:1"
#define ACCMIG_METADATA_KEY        "accmig"
#define ACCMIG_DOMAIN_MAX_SIZE     (1024 * 1024) /* bytes of XML */
#define ACCMIG_DOMAIN_MAX_DEPTH    64
#define ACCMIG_ALIAS_MAX_LENGTH    64 /* bytes of a hostdev alias, and of a token */
#define ACCMIG_DOMAIN_MAX_HOSTDEVS 64
#define ACCMIG_DOMAIN_MAX_NODES    1024 /* NUMA nodes */
#define ACCMIG_HOST_MAX_LENGTH     255  /* bytes of a host's name */

/*
 * One VFIO hostdev. Strings are borrowed from the domain and live until it is freed or its source changed.
 *
 * libvirt forgets aliases that the user did not choose (ua-…) when a guest moves and numbers afresh; after a
 * hot-unplug the guest's hostdev1 arrives as hostdev0. The key is the alias after such a fresh numbering, the
 * same on both hosts of a move, and thus what the metadata and the records of a move go by.
 */
typedef struct
{
  const char *alias; /* "hostdev0": QEMU's id of the device here; the key where the XML names none */
  const char *key;   /* alias after fresh numbering */
  AccmigKind kind;
  const char *address; /* canonical: PCI address or mdev UUID of the <source> */
  gboolean managed;
  const char *profile; /* (nullable) text of the profile in the metadata for this key, unparsed */
  gboolean transient;  /* libvirt unplugs it before a migration: the transient one of a <teaming> */
} AccmigHostdev;

/**
 * accmig_alias_is_valid:
 * @alias: (nullable)
 * Returns: whether it is 1 to 64 ASCII letters, digits, '-', '_' or '.': what libvirt accepts for a device.
 *   An alias from outside is checked with this before it is shown or kept
 */
ACCMIG_API gboolean accmig_alias_is_valid (const char *alias);

/**
 * accmig_host_is_valid:
 * @host: (nullable)
 * Returns: whether it is 1 to 255 ASCII letters, digits, '-', '_' or '.', the first a letter or a digit: so
 * it is one word on a command line, and never an option
 */
ACCMIG_API gboolean accmig_host_is_valid (const char *host);

/**
 * accmig_domain_new_from_xml:
 * @xml: bytes, not necessarily NUL-terminated nor valid UTF-8
 * @error: LIMIT, INVALID; the message holds no part of the XML but names, as the rest may be secret
 * Returns: (transfer full) (nullable)
 */
ACCMIG_API AccmigDomain *accmig_domain_new_from_xml (const char *xml, gsize length, GError **error);
ACCMIG_API void accmig_domain_free (AccmigDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigDomain, accmig_domain_free)

ACCMIG_API const char *accmig_domain_get_name (const AccmigDomain *domain);
/** accmig_domain_get_uuid: Returns: (nullable): canonical lower case */
ACCMIG_API const char *accmig_domain_get_uuid (const AccmigDomain *domain);
ACCMIG_API gsize accmig_domain_get_n_hostdevs (const AccmigDomain *domain);
ACCMIG_API const AccmigHostdev *accmig_domain_get_hostdev (const AccmigDomain *domain, gsize index);
/** accmig_domain_get_token: Returns: (nullable): the token written with the metadata; names one stay of the
 * guest on one host, so that both hosts' records of a move can be matched */
ACCMIG_API const char *accmig_domain_get_token (const AccmigDomain *domain);
/** accmig_domain_get_host: Returns: (nullable): the name of the host that wrote the metadata, as it calls
 * itself; NULL also for what accmig_host_is_valid() does not take */
ACCMIG_API const char *accmig_domain_get_host (const AccmigDomain *domain);
/** accmig_domain_has_metadata: Returns: whether our element is there at all */
ACCMIG_API gboolean accmig_domain_has_metadata (const AccmigDomain *domain);

/** accmig_domain_get_guest: Returns: (transfer none): what else it has that its migration hangs on */
ACCMIG_API const AccmigGuest *accmig_domain_get_guest (const AccmigDomain *domain);

/** accmig_domain_has_nodes: Returns: whether <numatune> says on which NUMA nodes the guest's memory shall be
 */
ACCMIG_API gboolean accmig_domain_has_nodes (const AccmigDomain *domain);
/** accmig_domain_has_node: Returns: whether @node is one of them; none is negative, nor
 * ACCMIG_DOMAIN_MAX_NODES or more */
ACCMIG_API gboolean accmig_domain_has_node (const AccmigDomain *domain, int node);

/**
 * accmig_domain_set_source:
 * @index: which hostdev
 * @address: the host device it shall use; same kind as before
 * @error: INVALID when it is no canonical address of that kind
 */
ACCMIG_API gboolean accmig_domain_set_source (AccmigDomain *domain, gsize index, const char *address,
                                              GError **error);

/**
 * accmig_domain_to_xml:
 * @error: INVALID, when sources were changed in a text that is not plainly UTF-8; or LIMIT, when it got too
 * large by that
 * Returns: (transfer full) (nullable): the text as it came, byte for byte, but for the values of the
 * attributes that say which host device the changed hostdevs have
 */
ACCMIG_API char *accmig_domain_to_xml (const AccmigDomain *domain, GError **error);

/**
 * accmig_metadata_format:
 * @token: this stay's token
 * @host: (nullable): name of the host it is a stay on; left out when accmig_host_is_valid() does not take it
 * @keys: (array length=n): the hostdevs' keys, see #AccmigHostdev
 * @profiles: (array length=n): canonical JSON per key
 * Returns: (transfer full): <devices token="…" host="…"><device alias="hostdev0">JSON</device></devices>,
 * without namespace declaration (libvirt adds it from the URI), escaped
 */
ACCMIG_API char *accmig_metadata_format (const char *token, const char *host, const char *const *keys,
                                         const char *const *profiles, gsize n);
