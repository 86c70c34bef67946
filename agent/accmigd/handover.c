// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hand-overs
 *
 * Probes are begun all at once and not waited for one by one: the prober says when the devices are closed,
 * whatever had them open. A probe that is later than that still leaves what it learnt in the registry.
 */

#include "handover.h"

#include "log.h"

/* Lives until all have answered, which may be after it is over. */
typedef struct
{
  guint n_failed;
  char *failed;  /* (nullable): address of the first device that could not be asked, … */
  GError *error; /* … and why */
} Handover;

/* One device that is asked. */
typedef struct
{
  Handover *owner; /* a reference */
  char *address;
} Asking;

static void
handover_clear (gpointer data)
{
  Handover *self = data;

  g_clear_error (&self->error);
  g_free (self->failed);
}

static void
handover_unref (gpointer self)
{
  g_rc_box_release_full (self, handover_clear);
}

static void
hold (const HandoverSources *sources, const AccmigDomain *domain, const char *address)
{
  const char *uuid = accmig_domain_get_uuid (domain);
  const char *name = accmig_domain_get_name (domain);
  Reservation before = { 0 };

  if (reservations_lookup (sources->reservations, address, &before) && !g_str_equal (before.uuid, uuid))
    log_event (LOG_EVENT_STRANGE, &(LogContext){ .domain = name, .uuid = uuid, .device = address },
               "%s was reserved for domain “%s”, but libvirt gives it to “%s”", address, before.domain, name);
  reservations_hold (sources->reservations, address, uuid, name);
}

/* ---- asking ---- */

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Asking *asking = user;
  Handover *self = asking->owner;
  g_autofree char *address = asking->address;
  g_autoptr (GError) error = NULL;

  if (!prober_probe_finish (result, &error) && self->n_failed++ == 0)
    {
      self->failed = g_steal_pointer (&address);
      self->error = g_steal_pointer (&error);
    }
  handover_unref (self);
}

/* A device that a running guest has is left alone, whatever libvirt says; the kernel would say no, too. */
static void
ask_device (Handover *self, const HandoverSources *sources, const char *address)
{
  const Device *device = registry_lookup (sources->registry, address);
  Asking *asking = NULL;

  if (device == NULL || !device_is_unasked (device) || device_get_owner (device) == OWNER_GUEST)
    return;
  asking = g_new0 (Asking, 1);
  asking->owner = g_rc_box_acquire (self);
  asking->address = g_strdup (address);
  prober_probe_async (sources->prober, address, on_probed, asking);
}

/* ---- the whole ---- */

static void
on_settled (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;
  const Handover *self = g_task_get_task_data (task);

  if (!prober_settle_finish (result))
    g_warning ("a device is still open here while a domain is about to take it");
  else if (self->n_failed > 0)
    g_message ("%u devices of a guest that starts could not be asked, the first of them %s: %s",
               self->n_failed, self->failed, self->error->message);
  g_task_return_boolean (task, TRUE);
}

void
handover_run_async (const HandoverSources *sources, const AccmigDomain *domain, gboolean ask,
                    guint limit_msec, GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  Handover *self = g_rc_box_new0 (Handover);
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();

  g_task_set_task_data (task, self, handover_unref);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    g_ptr_array_add (addresses, (gpointer)accmig_domain_get_hostdev (domain, i)->address);
  g_ptr_array_add (addresses, NULL);

  for (char **address = (char **)addresses->pdata; *address != NULL; address++)
    hold (sources, domain, *address);
  for (char **address = (char **)addresses->pdata; ask && *address != NULL; address++)
    ask_device (self, sources, *address);
  prober_settle_async (sources->prober, (const char *const *)addresses->pdata, limit_msec, on_settled,
                       g_steal_pointer (&task));
}

void
handover_run_finish (GAsyncResult *result)
{
  (void)g_task_propagate_boolean (G_TASK (result), NULL);
}
