// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trial
 *
 * Takes the match data out of the source's profile, has the prober show it to the target's driver, and makes
 * a sentence of a no.
 */

#include "trial.h"

char *
trial_key (const char *address, const AccmigProfile *source)
{
  return g_strconcat (address, " ", accmig_profile_get_digest (source), NULL);
}

/* @hex: pairs of digits, as every profile has them */
static GBytes *
parse_hex (const char *hex)
{
  gsize length = strlen (hex) / 2;
  guint8 *bytes = g_malloc (length);

  for (gsize i = 0; i < length; i++)
    bytes[i] = (guint8)(g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  return g_bytes_new_take (bytes, length);
}

/* (nullable) (transfer full): what there is to ask @target's driver. One that offers no migration is not
 * asked: it is not the one that the device will have, or the rules have said so. */
static GBytes *
find_match (const Device *target, const AccmigProfile *source)
{
  const char *hex = accmig_profile_get_string (source, "device.match");
  const char *name = accmig_device_info_get_family (device_get_info (target));
  const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), name);

  if (hex == NULL || !device_is_vfio (target) || g_str_equal (device_get_migration (target), "none")
      || family == NULL || !accmig_family_has_trial (family)
      || !g_str_equal (name, accmig_profile_get_family (source)))
    return NULL;
  return parse_hex (hex);
}

static void
on_tried (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;
  const char *address = g_task_get_task_data (task);
  GError *error = NULL;
  BrokerTrial trial;

  if (!prober_trial_finish (result, &trial, &error))
    g_task_return_error (task, error);
  else if (trial.accepted)
    g_task_return_pointer (task, NULL, NULL);
  else
    g_task_return_pointer (task,
                           g_strdup_printf ("the driver of %s refused the source's match data: %s", address,
                                            trial.refusal),
                           g_free);
}

void
trial_run_async (Prober *prober, const Registry *registry, const char *address, const AccmigProfile *source,
                 GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  const Device *target = registry_lookup (registry, address);
  g_autoptr (GBytes) match = target != NULL ? find_match (target, source) : NULL;

  g_task_set_task_data (task, g_strdup (address), g_free);
  if (match == NULL)
    g_task_return_pointer (task, NULL, NULL);
  else
    prober_trial_async (prober, address, match, on_tried, g_steal_pointer (&task));
}

gboolean
trial_run_finish (GAsyncResult *result, char **ret_refusal, GError **error)
{
  char *refusal = g_task_propagate_pointer (G_TASK (result), error);

  if (g_task_had_error (G_TASK (result)))
    return FALSE;
  *ret_refusal = refusal;
  return TRUE;
}
