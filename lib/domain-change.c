// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changing domains
 *
 * A hostdev can be given another host device; nothing else of the XML is ours to touch. So the text is not
 * written anew from what was read: the new addresses are put into the text that came, and the result is read
 * again before anybody gets it.
 */

#include <string.h>

#include "domain-private.h"
#include "error-private.h"
#include "splice.h"
#include "xml-guard.h"

gboolean
accmig_domain_set_source (AccmigDomain *domain, gsize index, const char *address, GError **error)
{
  Hostdev *hostdev;
  AccmigKind kind;

  g_return_val_if_fail (domain != NULL && index < domain->hostdevs->len && address != NULL, FALSE);

  hostdev = domain->hostdevs->pdata[index];
  if (!accmig_address_is_valid (address, &kind) || kind != hostdev->public.kind)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “%s” is not the address of a %s device", hostdev->alias,
                 address, accmig_kind_to_string (hostdev->public.kind));
  g_free (hostdev->address);
  hostdev->address = g_strdup (address);
  hostdev_publish (hostdev);
  return TRUE;
}

static void
add_edit (GArray *edits, const Hostdev *hostdev, const char *attribute, const char *value)
{
  SpliceEdit edit = { .tag_end = xml_guard_get_tag_end (hostdev->address_node),
                      .element = "address",
                      .attribute = attribute,
                      .value = value };

  g_array_append_val (edits, edit);
}

/* Both addresses are canonical, so they have the four parts of "0000:75:00.1". @values: owns the new ones */
static void
edit_pci_address (GArray *edits, GPtrArray *values, const Hostdev *hostdev)
{
  static const char *const names[] = { "domain", "bus", "slot", "function" };
  g_auto (GStrv) written = g_strsplit_set (hostdev->written, ":.", -1);
  g_auto (GStrv) wanted = g_strsplit_set (hostdev->address, ":.", -1);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      char *value;

      if (g_str_equal (written[i], wanted[i]))
        continue;
      value = g_strconcat ("0x", wanted[i], NULL);
      g_ptr_array_add (values, value);
      add_edit (edits, hostdev, names[i], value);
    }
}

/* Whether the text @xml, read afresh, has the hostdevs that @domain has. */
static gboolean
check_result (const AccmigDomain *domain, const char *xml, GError **error)
{
  g_autoptr (AccmigDomain) again = accmig_domain_new_from_xml (xml, strlen (xml), error);
  gboolean same = again != NULL && again->hostdevs->len == domain->hostdevs->len;

  if (again == NULL)
    return FALSE;
  for (guint i = 0; same && i < domain->hostdevs->len; i++)
    same = g_str_equal (((const Hostdev *)again->hostdevs->pdata[i])->address,
                        ((const Hostdev *)domain->hostdevs->pdata[i])->address);
  return same || fail (error, ACCMIG_ERROR_INVALID, WHAT ": its addresses did not become what they should");
}

char *
accmig_domain_to_xml (const AccmigDomain *domain, GError **error)
{
  g_autoptr (GArray) edits = g_array_new (FALSE, FALSE, sizeof (SpliceEdit));
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *xml = NULL;

  g_return_val_if_fail (domain != NULL, NULL);

  for (guint i = 0; i < domain->hostdevs->len; i++)
    {
      const Hostdev *hostdev = domain->hostdevs->pdata[i];

      if (g_str_equal (hostdev->written, hostdev->address))
        continue;
      if (hostdev->public.kind == ACCMIG_KIND_MDEV)
        add_edit (edits, hostdev, "uuid", hostdev->address);
      else
        edit_pci_address (edits, values, hostdev);
    }
  if (edits->len == 0)
    return g_strndup (domain->text, domain->length);
  xml = splice_text (domain->text, domain->length, &g_array_index (edits, SpliceEdit, 0), edits->len, error);
  if (xml == NULL || !check_result (domain, xml, error))
    return NULL;
  return g_steal_pointer (&xml);
}
