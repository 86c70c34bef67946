// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest's facts, from its domain XML
 *
 * What libvirt would not take is libvirt's to refuse; here it means that nothing is known.
 */

#include "domain-private.h"

#include <string.h>

#include "xml-node.h"

#define QEMU_URI "http://libvirt.org/schemas/domain/qemu/1.0"

/* QEMU's name of the device, in an argument as text or as JSON. libvirt has no element for it. */
#define VFIO_USER_DEVICE "vfio-user-pci"

/* libvirt's units, also the short ones; without one it is KiB. */
static const struct
{
  const char *name;
  guint64 bytes;
} units[] = {
  { "KiB", 1ULL << 10 },
  { "k", 1ULL << 10 },
  { "b", 1 },
  { "bytes", 1 },
  { "KB", 1000 },
  { "M", 1ULL << 20 },
  { "MiB", 1ULL << 20 },
  { "MB", 1000 * 1000 },
  { "G", 1ULL << 30 },
  { "GiB", 1ULL << 30 },
  { "GB", 1000 * 1000 * 1000 },
  { "T", 1ULL << 40 },
  { "TiB", 1ULL << 40 },
  { "TB", 1000000000000ULL },
};

static guint64
find_unit (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (name == NULL || strcmp (units[i].name, name) == 0)
      return units[i].bytes;
  return 0;
}

/* @node: (nullable). Returns: bytes; 0 where it says none that could be counted */
static guint64
read_bytes (const xmlNode *node)
{
  g_autofree char *unit = xml_node_get_attribute (node, "unit");
  g_autofree char *text = node != NULL ? xml_node_get_text (node) : NULL;
  guint64 number = 0, bytes = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (g_strstrip (text), 10, 0, G_MAXUINT64, &number, NULL)
      || !g_uint64_checked_mul (&bytes, number, find_unit (unit)))
    return 0;
  return bytes;
}

static gboolean
has_vfio_user (const xmlNode *root)
{
  const xmlNode *arguments = xml_node_find (root, "commandline", QEMU_URI);

  for (const xmlNode *node = arguments != NULL ? arguments->children : NULL; node != NULL; node = node->next)
    {
      g_autofree char *value =
          xml_node_is (node, "arg", QEMU_URI) ? xml_node_get_attribute (node, "value") : NULL;

      if (value != NULL && strstr (value, VFIO_USER_DEVICE) != NULL)
        return TRUE;
    }
  return FALSE;
}

void
domain_read_guest (const xmlNode *root, AccmigGuest *ret_guest)
{
  *ret_guest = (AccmigGuest){
    .iommu = xml_node_find (xml_node_find (root, "devices", NULL), "iommu", NULL) != NULL,
    .vfio_user = has_vfio_user (root),
    .memory = read_bytes (xml_node_find (root, "memory", NULL)),
    .memory_limit = read_bytes (xml_node_find (xml_node_find (root, "memtune", NULL), "hard_limit", NULL)),
  };
}
