// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Domains
 *
 * The few things in libvirt's domain XML that concern us: which host devices the guest has, and what the
 * source wrote about them into the metadata. Everything else is carried through unread and unlogged; it may
 * hold passwords.
 *
 * Aliases. libvirt gives <interface type='hostdev'> and <hostdev> of every type (USB and SCSI too) names from
 * one series, hostdev0, hostdev1 …: first the interfaces, then the hostdevs, each in document order, each one
 * more than the highest so far. Only an alias that the user chose (it begins with "ua-") is kept when XML is
 * parsed afresh, as at a migration's destination. The key of a hostdev is what comes out of that; see
 * domain.h for why it is needed. An <interface type='network'> whose network hands out VFs is not seen: its
 * device is chosen only after the hook.
 *
 * Numbers in addresses are read as libvirt does it: 0x means hexadecimal, a leading 0 octal.
 */

#include <accmig/domain.h>

#include <string.h>

#include "domain-private.h"
#include "error-private.h"
#include "xml-guard.h"
#include "xml-node.h"

#define NAME_MAX_LENGTH 255

static void
hostdev_free (gpointer data)
{
  Hostdev *hostdev = data;

  g_free (hostdev->alias);
  g_free (hostdev->key);
  g_free (hostdev->address);
  g_free (hostdev->written);
  g_free (hostdev->profile);
  g_free (hostdev);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hostdev, hostdev_free)

void
hostdev_publish (Hostdev *hostdev)
{
  hostdev->public.alias = hostdev->alias;
  hostdev->public.key = hostdev->key;
  hostdev->public.address = hostdev->address;
  hostdev->public.profile = hostdev->profile;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* @absent: what stands for a missing attribute; negative when it may not be missing */
static gboolean
read_number (const xmlNode *node, const char *name, guint64 max, gint64 absent, guint64 *ret_number)
{
  g_autofree char *value = xml_node_get_attribute (node, name);
  const char *digits = value;
  guint base = 10;

  if (value == NULL)
    {
      *ret_number = (guint64)absent;
      return absent >= 0;
    }
  if (g_str_has_prefix (value, "0x") || g_str_has_prefix (value, "0X"))
    {
      base = 16;
      digits = value + 2;
    }
  else if (value[0] == '0' && value[1] != '\0')
    base = 8;
  return g_ascii_string_to_unsigned (digits, base, 0, max, ret_number, NULL);
}

/* Returns: (transfer full) (nullable) */
static char *
read_pci_address (const xmlNode *node)
{
  guint64 domain, bus, slot, function;

  if (!read_number (node, "domain", G_MAXUINT32, 0, &domain) || !read_number (node, "bus", 0xff, -1, &bus)
      || !read_number (node, "slot", 0x1f, -1, &slot) || !read_number (node, "function", 7, -1, &function))
    return NULL;
  return g_strdup_printf ("%04x:%02x:%02x.%x", (guint)domain, (guint)bus, (guint)slot, (guint)function);
}

/* Returns: (transfer full) (nullable): the canonical form of a UUID as people write it */
static char *
canonical_uuid (const char *text)
{
  return text != NULL && g_uuid_string_is_valid (text) ? g_ascii_strdown (text, -1) : NULL;
}

static char *
read_mdev_address (const xmlNode *node)
{
  g_autofree char *uuid = xml_node_get_attribute (node, "uuid");

  return canonical_uuid (uuid);
}

/* ---- hostdevs -------------------------------------------------------------------------------- */

/* Counted as libvirt counts: everything that takes a name of the series, VFIO or not. */
static gboolean
takes_number (const xmlNode *node, gboolean interface)
{
  return interface ? xml_node_is (node, "interface", NULL) && xml_node_attribute_is (node, "type", "hostdev")
                   : xml_node_is (node, "hostdev", NULL);
}

static gboolean
is_vfio (const xmlNode *node, gboolean interface, AccmigKind *ret_kind)
{
  const xmlNode *source = xml_node_find (node, "source", NULL);

  if (xml_node_attribute_is (xml_node_find (node, "driver", NULL), "name", "xen"))
    return FALSE;
  if (interface)
    {
      *ret_kind = ACCMIG_KIND_PCI;
      return xml_node_attribute_is (xml_node_find (source, "address", NULL), "type", "pci");
    }
  if (!xml_node_attribute_is (node, "mode", "subsystem"))
    return FALSE;
  *ret_kind = xml_node_attribute_is (node, "type", "mdev") ? ACCMIG_KIND_MDEV : ACCMIG_KIND_PCI;
  return *ret_kind == ACCMIG_KIND_MDEV || xml_node_attribute_is (node, "type", "pci");
}

/* Called for every device that libvirt numbers. @next: number of the next one without a name of the user's */
static gboolean
name_hostdev (const xmlNode *node, guint *next, char **ret_alias, char **ret_key, GError **error)
{
  g_autofree char *alias = xml_node_get_attribute (xml_node_find (node, "alias", NULL), "name");
  g_autofree char *key = NULL;

  if (alias != NULL && !accmig_alias_is_valid (alias))
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": the hostdev on line %ld has an alias that is none",
                 xmlGetLineNo (node));
  if (alias != NULL && g_str_has_prefix (alias, "ua-"))
    key = g_strdup (alias);
  else
    key = g_strdup_printf ("hostdev%u", (*next)++);
  *ret_alias = alias != NULL ? g_steal_pointer (&alias) : g_strdup (key);
  *ret_key = g_steal_pointer (&key);
  return TRUE;
}

static Hostdev *
find_by_key (const AccmigDomain *domain, const char *key)
{
  for (guint i = 0; i < domain->hostdevs->len; i++)
    {
      Hostdev *hostdev = domain->hostdevs->pdata[i];

      if (g_str_equal (hostdev->key, key))
        return hostdev;
    }
  return NULL;
}

static gboolean
read_hostdev (AccmigDomain *domain, const xmlNode *node, gboolean interface, guint *next, GError **error)
{
  g_autoptr (Hostdev) hostdev = g_new0 (Hostdev, 1);

  if (!name_hostdev (node, next, &hostdev->alias, &hostdev->key, error))
    return FALSE;
  if (!is_vfio (node, interface, &hostdev->public.kind))
    return TRUE;
  if (domain->hostdevs->len == ACCMIG_DOMAIN_MAX_HOSTDEVS)
    return fail (error, ACCMIG_ERROR_LIMIT, WHAT ": more than %d VFIO hostdevs", ACCMIG_DOMAIN_MAX_HOSTDEVS);
  if (find_by_key (domain, hostdev->key) != NULL)
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": two hostdevs have the alias %s", hostdev->key);
  hostdev->address_node = xml_node_find (xml_node_find (node, "source", NULL), "address", NULL);
  hostdev->address = hostdev->public.kind == ACCMIG_KIND_MDEV ? read_mdev_address (hostdev->address_node)
                                                              : read_pci_address (hostdev->address_node);
  if (hostdev->address == NULL)
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": %s has no valid %s address in its <source>",
                 hostdev->alias, accmig_kind_to_string (hostdev->public.kind));
  hostdev->written = g_strdup (hostdev->address);
  hostdev->public.managed = xml_node_attribute_is (node, "managed", "yes");
  hostdev->public.transient =
      xml_node_attribute_is (xml_node_find (node, "teaming", NULL), "type", "transient");
  hostdev_publish (hostdev);
  g_ptr_array_add (domain->hostdevs, g_steal_pointer (&hostdev));
  return TRUE;
}

/* First the interfaces, then the hostdevs, as libvirt numbers them. */
static gboolean
read_hostdevs (AccmigDomain *domain, const xmlNode *root, GError **error)
{
  const xmlNode *devices = xml_node_find (root, "devices", NULL);
  guint next = 0;

  for (int interface = TRUE; devices != NULL && interface >= FALSE; interface--)
    for (const xmlNode *node = devices->children; node != NULL; node = node->next)
      if (takes_number (node, interface) && !read_hostdev (domain, node, interface, &next, error))
        return FALSE;
  return TRUE;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static gboolean
read_profile (AccmigDomain *domain, const xmlNode *node, GError **error)
{
  g_autofree char *key = xml_node_get_attribute (node, "alias");
  Hostdev *hostdev;

  if (!accmig_alias_is_valid (key))
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": metadata on line %ld has no valid alias",
                 xmlGetLineNo (node));
  hostdev = find_by_key (domain, key);
  if (hostdev == NULL) /* unplugged since it was written */
    return TRUE;
  if (hostdev->profile != NULL)
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": metadata has two profiles for %s", key);
  hostdev->profile = xml_node_get_text (node);
  hostdev_publish (hostdev);
  return TRUE;
}

/* A name that is none does no harm as long as nobody gets to see it; it is no reason to refuse a guest.
 * Returns: (transfer full) (nullable) */
static char *
read_host (const xmlNode *node)
{
  g_autofree char *host = xml_node_get_attribute (node, "host");

  return accmig_host_is_valid (host) ? g_steal_pointer (&host) : NULL;
}

static gboolean
read_metadata (AccmigDomain *domain, const xmlNode *root, GError **error)
{
  const xmlNode *ours =
      xml_node_find (xml_node_find (root, "metadata", NULL), "devices", ACCMIG_METADATA_URI);

  if (ours == NULL)
    return TRUE;
  domain->has_metadata = TRUE;
  domain->token = xml_node_get_attribute (ours, "token");
  if (domain->token != NULL && !accmig_alias_is_valid (domain->token))
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": the token in the metadata is none");
  domain->host = read_host (ours);
  for (const xmlNode *node = ours->children; node != NULL; node = node->next)
    if (xml_node_is (node, "device", ACCMIG_METADATA_URI) && !read_profile (domain, node, error))
      return FALSE;
  return TRUE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Where the guest's memory shall be: one set for all of it, or one for each of its own nodes. A set that is
 * none is libvirt's to refuse; here it means no more than none. */
static void
read_nodes (AccmigDomain *domain, const xmlNode *root)
{
  const xmlNode *numatune = xml_node_find (root, "numatune", NULL);

  for (const xmlNode *node = numatune == NULL ? NULL : numatune->children; node != NULL; node = node->next)
    {
      g_autofree char *nodeset = NULL;

      if (xml_node_is (node, "memory", NULL) || xml_node_is (node, "memnode", NULL))
        nodeset = xml_node_get_attribute (node, "nodeset");
      if (nodeset != NULL)
        (void)nodeset_parse (&domain->nodes, nodeset);
    }
}

/* ---- the object ------------------------------------------------------------------------------ */

/* What libvirt takes for a name; a control character would make two lines of one in a log. */
static gboolean
name_is_valid (const char *name)
{
  if (name[0] == '\0' || strlen (name) > NAME_MAX_LENGTH)
    return FALSE;
  for (const char *c = name; *c != '\0'; c = g_utf8_next_char (c))
    if (*c == '/' || g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

static gboolean
read_identity (AccmigDomain *domain, const xmlNode *root, GError **error)
{
  const xmlNode *name = xml_node_find (root, "name", NULL);
  const xmlNode *uuid = xml_node_find (root, "uuid", NULL);
  g_autofree char *text = NULL;

  if (!xml_node_is (root, "domain", NULL))
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": the root element is not <domain>");
  if (name == NULL)
    return fail (error, ACCMIG_ERROR_INVALID, WHAT ": has no <name>");
  domain->name = xml_node_get_text (name);
  if (!name_is_valid (domain->name))
    return fail (error, ACCMIG_ERROR_INVALID,
                 WHAT ": the name must be 1 to %d bytes without '/' and control characters", NAME_MAX_LENGTH);
  if (uuid == NULL)
    return TRUE;
  text = xml_node_get_text (uuid);
  domain->uuid = canonical_uuid (g_strstrip (text));
  return domain->uuid != NULL
         || fail (error, ACCMIG_ERROR_INVALID, WHAT ": the <uuid> of %s is none", domain->name);
}

AccmigDomain *
accmig_domain_new_from_xml (const char *xml, gsize length, GError **error)
{
  g_autoptr (AccmigDomain) domain = g_new0 (AccmigDomain, 1);
  const xmlNode *root;

  g_return_val_if_fail (xml != NULL, NULL);

  domain->hostdevs = g_ptr_array_new_with_free_func (hostdev_free);
  domain->document =
      xml_guard_parse (WHAT, xml, length, ACCMIG_DOMAIN_MAX_SIZE, ACCMIG_DOMAIN_MAX_DEPTH, error);
  if (domain->document == NULL)
    return NULL;
  domain->text = g_strndup (xml, length);
  domain->length = length;
  root = xmlDocGetRootElement (domain->document);
  if (!read_identity (domain, root, error) || !read_hostdevs (domain, root, error)
      || !read_metadata (domain, root, error))
    return NULL;
  read_nodes (domain, root);
  domain_read_guest (root, &domain->guest);
  return g_steal_pointer (&domain);
}

void
accmig_domain_free (AccmigDomain *domain)
{
  if (domain == NULL)
    return;
  g_ptr_array_unref (domain->hostdevs);
  xmlFreeDoc (domain->document);
  g_free (domain->text);
  g_free (domain->name);
  g_free (domain->uuid);
  g_free (domain->token);
  g_free (domain->host);
  g_free (domain);
}

const char *
accmig_domain_get_name (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, NULL);

  return domain->name;
}

const char *
accmig_domain_get_uuid (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, NULL);

  return domain->uuid;
}

const char *
accmig_domain_get_token (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, NULL);

  return domain->token;
}

const char *
accmig_domain_get_host (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, NULL);

  return domain->host;
}

gboolean
accmig_domain_has_metadata (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, FALSE);

  return domain->has_metadata;
}

gsize
accmig_domain_get_n_hostdevs (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, 0);

  return domain->hostdevs->len;
}

const AccmigHostdev *
accmig_domain_get_hostdev (const AccmigDomain *domain, gsize index)
{
  g_return_val_if_fail (domain != NULL && index < domain->hostdevs->len, NULL);

  return &((const Hostdev *)domain->hostdevs->pdata[index])->public;
}

const AccmigGuest *
accmig_domain_get_guest (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, NULL);

  return &domain->guest;
}

gboolean
accmig_domain_has_nodes (const AccmigDomain *domain)
{
  g_return_val_if_fail (domain != NULL, FALSE);

  return !nodeset_is_empty (&domain->nodes);
}

gboolean
accmig_domain_has_node (const AccmigDomain *domain, int node)
{
  g_return_val_if_fail (domain != NULL, FALSE);

  return node >= 0 && nodeset_has (&domain->nodes, (guint)node);
}
