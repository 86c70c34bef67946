// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls
 *
 * libvirt locks a domain while a hook or a job runs on it, and a listing waits for every domain; so each call
 * goes to the worker, with a link of its own to keep, and comes back as a GTask.
 */

#include "hypervisor-private.h"

#include <accmig/domain.h>

typedef struct
{
  char *domain; /* UUID; for find, UUID or name */
  char *xml;
  gboolean completed;
} CallArgs;

/* What is asked: @run is called in the worker and gives a result that @free_result frees, or sets the error.
 */
typedef struct
{
  gpointer (*run) (virConnectPtr conn, const CallArgs *args, GError **error);
  GDestroyNotify free_result;
} CallKind;

typedef struct
{
  GTask *task;
  Link *link;
  const CallKind *kind;
  CallArgs args;
} Call;

static void
call_free (Call *call)
{
  g_object_unref (call->task);
  link_unref (call->link);
  g_free (call->args.domain);
  g_free (call->args.xml);
  g_free (call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* A name may look like a UUID, so whoever has a UUID means the UUID and nothing else. */
static virDomainPtr
lookup (virConnectPtr conn, const char *uuid, GError **error)
{
  virDomainPtr domain = virDomainLookupByUUIDString (conn, uuid);

  if (domain == NULL)
    (void)libvirt_fail (error, "cannot find domain “%s”", uuid);
  return domain;
}

static gpointer
run_lookup (virConnectPtr conn, const CallArgs *args, GError **error)
{
  g_autoptr (virDomain) domain = lookup (conn, args->domain, error);

  return domain != NULL ? domain_read (domain, error) : NULL;
}

static gpointer
run_find (virConnectPtr conn, const CallArgs *args, GError **error)
{
  g_autoptr (virDomain) domain =
      g_uuid_string_is_valid (args->domain) ? virDomainLookupByUUIDString (conn, args->domain) : NULL;

  if (domain == NULL)
    domain = virDomainLookupByName (conn, args->domain);
  if (domain != NULL)
    return domain_read (domain, error);
  (void)libvirt_fail (error, "cannot find domain “%s”", args->domain);
  return NULL;
}

/* A domain that vanishes while the list is read is left out. */
static gpointer
run_list (virConnectPtr conn, const CallArgs *args, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify)hypervisor_domain_free);
  g_autofree virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (conn, &domains, 0);

  if (n < 0)
    {
      (void)libvirt_fail (error, "cannot list the domains");
      return NULL;
    }
  for (int i = 0; i < n; i++)
    {
      g_autoptr (virDomain) domain = domains[i];
      g_autoptr (GError) gone = NULL;
      HypervisorDomain *read = domain_read (domain, &gone);

      if (read != NULL)
        g_ptr_array_add (list, read);
      else
        g_debug ("left out of the list: %s", gone->message);
    }
  return g_steal_pointer (&list);
}

static gpointer
run_job (virConnectPtr conn, const CallArgs *args, GError **error)
{
  g_autoptr (virDomain) domain = lookup (conn, args->domain, error);
  g_autofree HypervisorJob *job = g_new0 (HypervisorJob, 1);

  if (domain == NULL || !job_read (domain, args->completed, job, error))
    return NULL;
  return g_steal_pointer (&job);
}

static gpointer
run_set_metadata (virConnectPtr conn, const CallArgs *args, GError **error)
{
  g_autoptr (virDomain) domain = lookup (conn, args->domain, error);

  if (domain == NULL)
    return NULL;
  if (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, args->xml, ACCMIG_METADATA_KEY,
                            ACCMIG_METADATA_URI, VIR_DOMAIN_AFFECT_LIVE)
      < 0)
    {
      (void)libvirt_fail (error, "cannot write the metadata of domain “%s”", args->domain);
      return NULL;
    }
  return GINT_TO_POINTER (TRUE);
}

static const CallKind call_list = { run_list, (GDestroyNotify)g_ptr_array_unref };
static const CallKind call_lookup = { run_lookup, (GDestroyNotify)hypervisor_domain_free };
static const CallKind call_find = { run_find, (GDestroyNotify)hypervisor_domain_free };
static const CallKind call_job = { run_job, g_free };
static const CallKind call_set_metadata = { run_set_metadata, NULL };

/* Worker. */
static void
run_call (gpointer data, gboolean cancelled)
{
  g_autoptr (Call) call = data;
  GError *error = NULL;
  gpointer result;

  if (cancelled)
    {
      g_task_return_new_error (call->task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               "the connection to libvirt is given up");
      return;
    }
  result = call->kind->run (call->link->handle, &call->args, &error);
  if (result == NULL)
    g_task_return_error (call->task, error);
  else
    g_task_return_pointer (call->task, result, call->kind->free_result);
}

static void
call_begin (Hypervisor *hypervisor, const CallKind *kind, CallArgs args, GAsyncReadyCallback callback,
            gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  Call *call;

  g_task_set_source_tag (task, (gpointer)kind);
  if (hypervisor->link == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "libvirt at “%s” does not answer",
                               hypervisor->uri);
      return;
    }
  call = g_new (Call, 1);
  *call = (Call){ g_steal_pointer (&task), link_ref (hypervisor->link), kind, args };
  call->args.domain = g_strdup (args.domain);
  call->args.xml = g_strdup (args.xml);
  worker_push (hypervisor->worker, run_call, call);
}

void
hypervisor_list_async (Hypervisor *hypervisor, GAsyncReadyCallback callback, gpointer user)
{
  call_begin (hypervisor, &call_list, (CallArgs){ 0 }, callback, user);
}

GPtrArray *
hypervisor_list_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, (gpointer)&call_list), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
hypervisor_lookup_async (Hypervisor *hypervisor, const char *uuid, GAsyncReadyCallback callback,
                         gpointer user)
{
  call_begin (hypervisor, &call_lookup, (CallArgs){ .domain = (char *)uuid }, callback, user);
}

HypervisorDomain *
hypervisor_lookup_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, (gpointer)&call_lookup), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
hypervisor_find_async (Hypervisor *hypervisor, const char *uuid_or_name, GAsyncReadyCallback callback,
                       gpointer user)
{
  call_begin (hypervisor, &call_find, (CallArgs){ .domain = (char *)uuid_or_name }, callback, user);
}

HypervisorDomain *
hypervisor_find_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, (gpointer)&call_find), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
hypervisor_job_async (Hypervisor *hypervisor, const char *uuid, gboolean completed,
                      GAsyncReadyCallback callback, gpointer user)
{
  call_begin (hypervisor, &call_job, (CallArgs){ .domain = (char *)uuid, .completed = completed }, callback,
              user);
}

gboolean
hypervisor_job_finish (Hypervisor *hypervisor, GAsyncResult *result, HypervisorJob *ret_job, GError **error)
{
  g_autofree HypervisorJob *job = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, (gpointer)&call_job), FALSE);
  job = g_task_propagate_pointer (G_TASK (result), error);
  if (job == NULL)
    return FALSE;
  *ret_job = *job;
  return TRUE;
}

void
hypervisor_set_metadata_async (Hypervisor *hypervisor, const char *uuid, const char *xml,
                               GAsyncReadyCallback callback, gpointer user)
{
  call_begin (hypervisor, &call_set_metadata, (CallArgs){ .domain = (char *)uuid, .xml = (char *)xml },
              callback, user);
}

gboolean
hypervisor_set_metadata_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, (gpointer)&call_set_metadata), FALSE);
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}
