// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One domain's move
 *
 * libvirt's client is made for threads: while one waits for the move, others ask for its job, or end it, over
 * the same connection.
 */

#include "move.h"

#include "hypervisor-private.h"

#define DEFAULT_URI "qemu:///system"

struct _Move
{
  virConnectPtr source;
  virDomainPtr domain;
  char *name;
  char uuid[VIR_UUID_STRING_BUFLEN];
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virConnect, virConnectClose)

/* What libvirt gets besides the flags. */
typedef struct
{
  virTypedParameterPtr list;
  int n, room;
} MoveParams;

static void
move_params_clear (MoveParams *params)
{
  virTypedParamsFree (params->list, params->n);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MoveParams, move_params_clear)

static void
move_clear (gpointer data)
{
  Move *self = data;

  if (self->domain != NULL)
    (void)virDomainFree (self->domain);
  if (self->source != NULL)
    (void)virConnectClose (self->source);
  g_free (self->name);
}

Move *
move_ref (Move *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
move_unref (gpointer self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, move_clear);
}

const char *
move_get_uuid (const Move *self)
{
  return self->uuid;
}

const char *
move_get_name (const Move *self)
{
  return self->name;
}

/* ---- opening ---- */

/* (nullable) */
static virConnectPtr
connect_to (const char *uri, GError **error)
{
  virConnectPtr connection = NULL;

  libvirt_silence ();
  connection = virConnectOpen (uri);
  if (connection == NULL)
    (void)libvirt_fail (error, "cannot connect to libvirt at “%s”", uri);
  return connection;
}

/* A name may look like a UUID; who types one means the UUID first. */
static gboolean
find_domain (Move *self, const char *name, GError **error)
{
  if (g_uuid_string_is_valid (name))
    self->domain = virDomainLookupByUUIDString (self->source, name);
  if (self->domain == NULL)
    self->domain = virDomainLookupByName (self->source, name);
  if (self->domain == NULL)
    return libvirt_fail (error, "cannot find domain “%s”", name);
  self->name = g_strdup (virDomainGetName (self->domain));
  if (virDomainGetUUIDString (self->domain, self->uuid) < 0)
    return libvirt_fail (error, "cannot read the UUID of domain “%s”", name);
  return TRUE;
}

Move *
move_open (const char *domain, GError **error)
{
  g_autoptr (Move) self = g_atomic_rc_box_new0 (Move);
  const char *uri = g_getenv ("LIBVIRT_DEFAULT_URI");

  self->source = connect_to (uri != NULL && *uri != '\0' ? uri : DEFAULT_URI, error);
  if (self->source == NULL || !find_domain (self, domain, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- moving ---- */

static gboolean
params_make (const MoveOptions *options, MoveParams *params, GError **error)
{
  int r = 0;

  if (options->bandwidth_mib > 0)
    r = virTypedParamsAddULLong (&params->list, &params->n, &params->room, VIR_MIGRATE_PARAM_BANDWIDTH,
                                 options->bandwidth_mib);
  if (r >= 0 && options->parallel > 0)
    r = virTypedParamsAddInt (&params->list, &params->n, &params->room,
                              VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, options->parallel);
  return r >= 0 || libvirt_fail (error, "cannot tell libvirt how to migrate");
}

static unsigned int
flags_of (Move *self, const MoveOptions *options)
{
  unsigned int flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER;

  if (virDomainIsPersistent (self->domain) == 1)
    flags |= VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
  if (options->parallel > 0)
    flags |= VIR_MIGRATE_PARALLEL;
  if (options->paused)
    flags |= VIR_MIGRATE_PAUSED;
  return flags;
}

static gboolean
set_max_downtime (Move *self, guint64 limit_ms, unsigned long long *ret_before_ms, GError **error)
{
  if (virDomainMigrateGetMaxDowntime (self->domain, ret_before_ms, 0) < 0)
    return libvirt_fail (error, "cannot read the limit on the downtime of “%s”", self->name);
  if (virDomainMigrateSetMaxDowntime (self->domain, limit_ms, 0) < 0)
    return libvirt_fail (error, "cannot limit the downtime of “%s” to %" G_GUINT64_FORMAT " ms", self->name,
                         limit_ms);
  return TRUE;
}

gboolean
move_run (Move *self, const char *uri, const MoveOptions *options, GError **error)
{
  g_auto (MoveParams) params = { 0 };
  unsigned long long before_ms = 0;

  if (!params_make (options, &params, error)
      || (options->max_downtime_ms > 0
          && !set_max_downtime (self, options->max_downtime_ms, &before_ms, error)))
    return FALSE;
  if (virDomainMigrateToURI3 (self->domain, uri, params.list, (unsigned int)params.n,
                              flags_of (self, options))
      >= 0)
    return TRUE;
  (void)libvirt_fail (error, "libvirt did not move “%s”", self->name);
  if (options->max_downtime_ms > 0)
    (void)virDomainMigrateSetMaxDowntime (self->domain, before_ms, 0);
  return FALSE;
}

gboolean
move_abort (Move *self, GError **error)
{
  return virDomainAbortJob (self->domain) >= 0
         || libvirt_fail (error, "cannot end the migration of “%s”", self->name);
}

gboolean
move_look (Move *self, MoveLook *ret_look, GError **error)
{
  MoveLook look = { 0 };
  int state = VIR_DOMAIN_NOSTATE;

  if (virDomainGetState (self->domain, &state, NULL, 0) < 0)
    return libvirt_fail (error, "cannot read the state of domain “%s”", self->name);
  look.state = domain_state_from_libvirt (state);
  (void)job_read (self->domain, FALSE, &look.job, NULL); /* one that does not say has none to show */
  *ret_look = look;
  return TRUE;
}

gboolean
move_resume (Move *self, const char *uri, GError **error)
{
  g_autoptr (virConnect) there = connect_to (uri, error);
  g_autoptr (virDomain) domain = there != NULL ? virDomainLookupByUUIDString (there, self->uuid) : NULL;

  if (there == NULL)
    return FALSE;
  if (domain == NULL || virDomainResume (domain) < 0)
    return libvirt_fail (error, "cannot let “%s” run at “%s”", self->name, uri);
  return TRUE;
}
