// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to libvirt
 *
 * A Hypervisor is connected or tries to be. It owns at most one link; a link that broke is handed to the
 * worker to be closed, and the next try follows after a pause that doubles. GVirConnection is not used: it
 * subscribes to lifecycle events by itself, keeps an object for every domain it hears of and warns about
 * events newer than itself, while keep-alive, close callback and all other events need the raw handle anyway.
 * libvirt-glib gives the event loop.
 */

#include "hypervisor-private.h"

#include <libvirt-glib/libvirt-glib.h>

#define RETRY_FIRST_MS 500
#define RETRY_LAST_MS  10000

/* How long hypervisor_free() waits for a call in progress, which may hang for as long as a hook runs. */
#define FREE_WAIT_MS 2000

typedef struct
{
  char *uri;
  HypervisorMode mode;
  HypervisorCallbacks wanted;
} OpenRequest;

static void
open_request_free (gpointer data)
{
  OpenRequest *request = data;

  g_free (request->uri);
  g_free (request);
}

static void
close_and_unref (gpointer data)
{
  link_close (data);
  link_unref (data);
}

/* Worker. When the worker ends, the task has been cancelled before. */
static void
run_open (gpointer data, gboolean cancelled)
{
  g_autoptr (GTask) task = data;
  const OpenRequest *request = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  Link *link;

  if (g_task_return_error_if_cancelled (task))
    return;
  link = link_open (request->uri, request->mode, &request->wanted, &error);
  if (link == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_pointer (task, link, close_and_unref);
}

/* Worker. */
static void
run_close (gpointer data, gboolean cancelled)
{
  close_and_unref (data);
}

static gboolean on_retry (gpointer user);

static void
retry_later (Hypervisor *self)
{
  self->retry_source = g_timeout_add (self->retry_ms, on_retry, self);
  self->retry_ms = MIN (self->retry_ms * 2, RETRY_LAST_MS);
}

static void
on_open_failed (Hypervisor *self, const GError *error)
{
  if (self->grumbled)
    g_debug ("%s", error->message);
  else
    g_warning ("%s; trying again until it answers", error->message);
  self->grumbled = TRUE;
  retry_later (self);
}

static void
on_opened (GObject *object, GAsyncResult *result, gpointer user)
{
  Hypervisor *self = user;
  g_autoptr (GError) error = NULL;
  Link *link = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* @self is gone */

  g_clear_object (&self->opening);
  if (link == NULL)
    {
      on_open_failed (self, error);
      return;
    }

  self->link = link;
  self->link->owner = self;
  if (virConnectIsAlive (link->handle) != 1) /* it went before it had an owner to be told */
    {
      hypervisor_lost (self, "it hung up at once");
      return;
    }
  self->retry_ms = RETRY_FIRST_MS;
  self->grumbled = FALSE;
  g_debug ("connected to “%s”", self->uri);
  if (self->callbacks.connected != NULL)
    self->callbacks.connected (self->user);
}

static void
open_now (Hypervisor *self)
{
  OpenRequest *request = g_new (OpenRequest, 1);
  g_autoptr (GTask) task = NULL;

  *request = (OpenRequest){ g_strdup (self->uri), self->mode, self->callbacks };
  self->opening = g_cancellable_new ();
  task = g_task_new (NULL, self->opening, on_opened, self);
  g_task_set_task_data (task, request, open_request_free);
  worker_push (self->worker, run_open, g_steal_pointer (&task));
}

static gboolean
on_retry (gpointer user)
{
  Hypervisor *self = user;

  self->retry_source = 0;
  open_now (self);
  return G_SOURCE_REMOVE;
}

/* Events still queued find no owner from here on. */
static void
drop_link (Hypervisor *self)
{
  self->link->owner = NULL;
  worker_push (self->worker, run_close, g_steal_pointer (&self->link));
}

void
hypervisor_lost (Hypervisor *self, const char *why)
{
  g_warning ("lost libvirt at “%s”: %s; trying again until it answers", self->uri, why);
  self->grumbled = TRUE;
  drop_link (self);
  retry_later (self);
  if (self->callbacks.disconnected != NULL)
    self->callbacks.disconnected (self->user);
}

Hypervisor *
hypervisor_new (const char *uri, HypervisorMode mode, const HypervisorCallbacks *callbacks, gpointer user)
{
  Hypervisor *self = g_new0 (Hypervisor, 1);

  gvir_event_register (); /* before the first connection; again is harmless */
  libvirt_silence ();
  self->uri = g_strdup (uri);
  self->mode = mode;
  self->callbacks = *callbacks;
  self->user = user;
  self->retry_ms = RETRY_FIRST_MS;
  self->worker = worker_new ("libvirt");
  return self;
}

void
hypervisor_start (Hypervisor *self)
{
  g_return_if_fail (self->link == NULL && self->opening == NULL && self->retry_source == 0);
  open_now (self);
}

gboolean
hypervisor_is_connected (const Hypervisor *self)
{
  return self->link != NULL;
}

HypervisorVersions
hypervisor_get_versions (const Hypervisor *self)
{
  if (self->link == NULL)
    return (HypervisorVersions){ NULL, NULL };
  return (HypervisorVersions){ .qemu = self->link->qemu, .libvirt = self->link->libvirt };
}

void
hypervisor_free (Hypervisor *self)
{
  if (self == NULL)
    return;

  g_clear_handle_id (&self->retry_source, g_source_remove);
  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  if (self->link != NULL)
    drop_link (self);
  worker_free (self->worker, FREE_WAIT_MS);
  g_free (self->uri);
  g_free (self);
}
