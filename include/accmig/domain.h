/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/inventory.h>

/*
 * What accmig reads from and writes into libvirt's domain XML.
 *
 * The XML may come from another host and is hostile: capped in size, parsed without network, entities and
 * DTDs. Only VFIO hostdevs (pci, mdev, <interface type='hostdev'>) and the element <devices
 * xmlns="urn:accmig:1"> below <metadata> are looked at.
 */

typedef struct _AccmigDomain AccmigDomain;

#define ACCMIG_METADATA_URI        "urn:accmig:1"
#define ACCMIG_METADATA_KEY        "accmig"
#define ACCMIG_DOMAIN_MAX_SIZE     (1024 * 1024) /* bytes of XML */
#define ACCMIG_DOMAIN_MAX_DEPTH    64
#define ACCMIG_ALIAS_MAX_LENGTH    64 /* bytes of a hostdev alias, and of a token */
#define ACCMIG_DOMAIN_MAX_HOSTDEVS 64

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
} AccmigHostdev;

/**
 * accmig_alias_is_valid:
 * @alias: (nullable)
 * Returns: whether it is 1 to 64 ASCII letters, digits, '-', '_' or '.': what libvirt accepts for a device.
 *   An alias from outside is checked with this before it is shown or kept
 */
ACCMIG_API gboolean accmig_alias_is_valid (const char *alias);

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
/** accmig_domain_has_metadata: Returns: whether our element is there at all */
ACCMIG_API gboolean accmig_domain_has_metadata (const AccmigDomain *domain);

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
 * Returns: (transfer full): the document with the changes made
 */
ACCMIG_API char *accmig_domain_to_xml (const AccmigDomain *domain);

/**
 * accmig_metadata_format:
 * @token: this stay's token
 * @keys: (array length=n): the hostdevs' keys, see #AccmigHostdev
 * @profiles: (array length=n): canonical JSON per key
 * Returns: (transfer full): <devices token="…"><device alias="hostdev0">JSON</device></devices>, without
 * namespace declaration (libvirt adds it from the URI), escaped
 */
ACCMIG_API char *accmig_metadata_format (const char *token, const char *const *keys,
                                         const char *const *profiles, gsize n);
