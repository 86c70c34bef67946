// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making mdevs
 *
 * The new one keeps the UUID that the XML has, unless this host has an mdev of that UUID already. Then it is
 * another device than the XML names, and made only where such a one may be taken.
 */

#include "making.h"

void
making_plan_free (MakingPlan *plan)
{
  if (plan == NULL)
    return;
  g_free (plan->parent);
  g_free (plan->type);
  g_free (plan->uuid);
  g_free (plan);
}

static gboolean
is_known (const DeviceView *view, const char *uuid)
{
  Reservation reservation = { 0 };

  return registry_lookup (view->registry, uuid) != NULL
         || reservations_lookup (view->reservations, uuid, &reservation);
}

MakingPlan *
making_plan_new (int sysfs_fd, const DeviceView *view, Remap remap, const Claim *claim)
{
  g_autoptr (MakingPlan) plan = NULL;
  const char *type = NULL, *named = NULL;
  g_auto (GStrv) parents = NULL;
  gboolean has_named = FALSE, moved;

  if (claim->kind != ACCMIG_KIND_MDEV || claim->source == NULL)
    return NULL;
  type = accmig_profile_get_string (claim->source, "device.mdev-type");
  if (type == NULL)
    return NULL;
  parents = accmig_mdev_parents (sysfs_fd, type);
  named = placement_get_named_pf (view, claim);
  has_named = named != NULL && g_strv_contains ((const char *const *)parents, named);
  moved = is_known (view, claim->address);
  if (parents[0] == NULL || (moved && (remap == REMAP_NEVER || (remap == REMAP_SAME_PF && !has_named))))
    return NULL;
  plan = g_new0 (MakingPlan, 1);
  plan->parent = g_strdup (has_named ? named : parents[0]);
  plan->type = g_strdup (type);
  plan->uuid = moved ? g_uuid_string_random () : g_strdup (claim->address);
  return g_steal_pointer (&plan);
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;
  Registry *registry = g_task_get_task_data (task);
  g_autoptr (GError) unseen = NULL;
  GError *error = NULL;

  if (!broker_client_create_mdev_finish (result, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!registry_rescan (registry, &unseen))
    g_warning ("sysfs cannot be read, going on with what is known: %s", unseen->message);
  g_task_return_boolean (task, TRUE);
}

void
making_run_async (BrokerClient *broker, Registry *registry, const MakingPlan *plan,
                  GAsyncReadyCallback callback, gpointer user)
{
  GTask *task = g_task_new (NULL, NULL, callback, user);

  g_task_set_task_data (task, registry, NULL);
  broker_client_create_mdev_async (broker, plan->parent, plan->type, plan->uuid, on_created, task);
}

gboolean
making_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- undoing ---- */

typedef struct
{
  Registry *registry;
  char *uuid;
} Undoing;

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Undoing *undoing = user;
  g_autofree char *uuid = undoing->uuid;
  g_autoptr (GError) error = NULL;

  if (!broker_client_remove_mdev_finish (result, &error))
    g_message ("the mdev %s, made for a guest that did not come, stays: %s", uuid, error->message);
  else if (!registry_rescan (undoing->registry, &error))
    g_warning ("sysfs cannot be read, going on with what is known: %s", error->message);
}

void
making_undo (BrokerClient *broker, Registry *registry, const char *uuid)
{
  Undoing *undoing = g_new0 (Undoing, 1);

  undoing->registry = registry;
  undoing->uuid = g_strdup (uuid);
  broker_client_remove_mdev_async (broker, uuid, on_removed, undoing);
}
