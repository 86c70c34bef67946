// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inspection
 *
 * One guest at a time, one device after the other. What looks wrong is not said at once: a guest may be in
 * the middle of being suspended or resumed, and libvirt calls it running before QEMU has started its
 * devices. So the device is looked at again a moment later, then libvirt is asked once more for the guest
 * and its jobs, and only if nothing was heard of the guest in between it is true.
 *
 * A device is set running right after that question, unless it has left the state in which it was seen: then
 * somebody moves it, and all is asked anew later. QEMU is not told, and need not be: it believes so.
 *
 * A guest in the middle of a job is left for later. Whoever has a record of the job will ask for it again;
 * without one it is tried a few times and then left alone.
 */

#include "inspection.h"

#include "log.h"

#define CONFIRM_SECONDS 2  /* until what looks wrong is looked at again; longer than devices take to start */
#define TRIES           10 /* times that a guest in the middle of a job is put off */

struct _Inspection
{
  InspectionSources sources;
  InspectionPolicy policy;
  GHashTable *guests; /* char * uuid → Guest *, both owned */
  GQueue *due;        /* of Guest */
  gpointer current;   /* (nullable): the Guest that is looked at */
};

typedef struct _Guest Guest;

/* One guest that is, or will be, looked at. */
struct _Guest
{
  Inspection *owner;
  char *uuid;
  char *name;
  guint timer; /* 0 while it is due or current */
  guint tries;
  gboolean again;     /* scheduled anew meanwhile */
  gboolean disturbed; /* libvirt spoke of it */

  HypervisorDomainState state;
  gsize index;                    /* of the hostdev that is looked at */
  char *address;                  /* … and its address */
  AlarmKind suspicion;            /* what is wrong with it, if anything is … */
  AccmigState found;              /* … as it is in this state */
  gboolean suspected;             /* it was seen once */
  void (*proceed) (Guest *guest); /* when the guest is known to run and to have no job */
};

static void
guest_free (gpointer data)
{
  Guest *guest = data;

  g_clear_handle_id (&guest->timer, g_source_remove);
  g_free (guest->uuid);
  g_free (guest->name);
  g_free (guest->address);
  g_free (guest);
}

Inspection *
inspection_new (const InspectionSources *sources, const InspectionPolicy *policy)
{
  Inspection *self = g_new0 (Inspection, 1);

  self->sources = *sources;
  self->policy = *policy;
  self->guests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, guest_free);
  self->due = g_queue_new ();
  return self;
}

void
inspection_free (Inspection *self)
{
  if (self == NULL)
    return;
  g_queue_free (self->due);
  g_hash_table_unref (self->guests);
  g_free (self);
}

/* ---- whose turn it is ---- */

static void begin (Guest *guest);

static void
run_next (Inspection *self)
{
  if (self->current != NULL)
    return;
  self->current = g_queue_pop_head (self->due);
  if (self->current != NULL)
    begin (self->current);
}

static gboolean
on_due (gpointer user)
{
  Guest *guest = user;

  guest->timer = 0;
  g_queue_push_tail (guest->owner->due, guest);
  run_next (guest->owner);
  return G_SOURCE_REMOVE;
}

static void
start_timer (Guest *guest)
{
  g_clear_handle_id (&guest->timer, g_source_remove);
  guest->timer = g_timeout_add_seconds (guest->owner->policy.grace, on_due, guest);
}

/* Its turn is over. */
static void
finish (Guest *guest)
{
  Inspection *self = guest->owner;

  self->current = NULL;
  if (guest->again)
    {
      guest->again = FALSE;
      start_timer (guest);
    }
  else
    g_hash_table_remove (self->guests, guest->uuid);
  run_next (self);
}

/* It is to be looked at anew, but not for ever. */
static void
try_again (Guest *guest)
{
  guest->again |= ++guest->tries < TRIES;
}

/* Something stands in the way. */
static void
put_off (Guest *guest)
{
  try_again (guest);
  finish (guest);
}

void
inspection_schedule (Inspection *self, const char *uuid)
{
  Guest *guest = g_hash_table_lookup (self->guests, uuid);

  if (guest == NULL)
    {
      guest = g_new0 (Guest, 1);
      guest->owner = self;
      guest->uuid = g_strdup (uuid);
      g_hash_table_insert (self->guests, g_strdup (uuid), guest);
      start_timer (guest);
    }
  else if (guest == self->current)
    {
      guest->again = TRUE;
      guest->tries = 0;
    }
  else if (guest->timer != 0)
    start_timer (guest);
}

void
inspection_disturb (Inspection *self, const char *uuid)
{
  Guest *guest = g_hash_table_lookup (self->guests, uuid);

  if (guest != NULL)
    guest->disturbed = TRUE;
}

/* ---- asking libvirt: does it run, has it a job? ---- */

static void
on_job (GObject *source, GAsyncResult *result, gpointer user)
{
  Guest *guest = user;
  g_autoptr (GError) error = NULL;
  HypervisorJob job = { 0 };
  gboolean known = hypervisor_job_finish (guest->owner->sources.hypervisor, result, &job, &error);

  /* A driver that has no job statistics has no jobs that matter. */
  if (!known && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    put_off (guest);
  else if (job.active || job.other
           || migrations_running (guest->owner->sources.migrations, guest->uuid) != NULL)
    put_off (guest);
  else
    guest->proceed (guest);
}

static void
on_domain (GObject *source, GAsyncResult *result, gpointer user)
{
  Guest *guest = user;
  Hypervisor *hypervisor = guest->owner->sources.hypervisor;
  g_autoptr (HypervisorDomain) domain = hypervisor_lookup_finish (hypervisor, result, NULL);

  if (domain == NULL)
    {
      finish (guest);
      return;
    }
  if (hypervisor_domain_is_migrating (domain))
    {
      put_off (guest);
      return;
    }
  guest->state = hypervisor_domain_get_state (domain);
  g_free (guest->name);
  guest->name = g_strdup (hypervisor_domain_get_name (domain));
  hypervisor_job_async (hypervisor, guest->uuid, FALSE, on_job, guest);
}

static void
ask_libvirt (Guest *guest, void (*proceed) (Guest *guest))
{
  guest->proceed = proceed;
  hypervisor_lookup_async (guest->owner->sources.hypervisor, guest->uuid, on_domain, guest);
}

/* ---- one device ---- */

static void look_at_next (Guest *guest);

/* Whether a device in that state does what the guest asks of it. */
static gboolean
serves (AccmigState state)
{
  return state == ACCMIG_STATE_RUNNING || state == ACCMIG_STATE_PRE_COPY;
}

/* A guest that is paused anyway may never have been started, with a device that runs; so only a migration
 * that failed makes that wrong. */
static gboolean
has_failed (const Guest *guest)
{
  const Migration *recent = migrations_recent (guest->owner->sources.migrations, guest->uuid);

  return recent != NULL && migration_get_role (recent) == ROLE_SOURCE
         && migration_get_phase (recent) != PHASE_COMPLETED;
}

/* @ret_kind: what is wrong. Returns: whether anything is */
static gboolean
judge (const Guest *guest, AccmigState state, AlarmKind *ret_kind)
{
  gboolean runs = guest->state == HYPERVISOR_DOMAIN_RUNNING;

  if (runs == serves (state))
    return FALSE;
  if (!runs && (guest->state != HYPERVISOR_DOMAIN_PAUSED || !has_failed (guest)))
    return FALSE;
  *ret_kind = runs ? ALARM_NOT_RUNNING : ALARM_RUNS_WHILE_PAUSED;
  return TRUE;
}

/* What was wrong before and is no longer. */
static void
relax (const Guest *guest, AccmigState state)
{
  Alarms *alarms = guest->owner->sources.alarms;
  gboolean runs = guest->state == HYPERVISOR_DOMAIN_RUNNING;

  if (serves (state) || !runs)
    alarms_clear (alarms, guest->uuid, guest->address, ALARM_NOT_RUNNING);
  if (!serves (state) || runs)
    alarms_clear (alarms, guest->uuid, guest->address, ALARM_RUNS_WHILE_PAUSED);
}

static void
next_device (Guest *guest)
{
  guest->index++;
  guest->suspected = FALSE;
  look_at_next (guest);
}

/* ---- repair ---- */

static void
say_outcome (const Guest *guest, const char *outcome)
{
  LogContext context = { .domain = guest->name, .uuid = guest->uuid, .device = guest->address };

  log_event (LOG_EVENT_REPAIR, &context, "“%s” %s: %s", guest->name, guest->address, outcome);
  alarms_set_outcome (guest->owner->sources.alarms, guest->uuid, guest->address, guest->suspicion, outcome);
}

/* (transfer full): what is said of a repair that failed */
static char *
describe_failure (const Guest *guest, const GError *error)
{
  if (g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY))
    return g_strdup_printf ("was not repaired: %s", error->message);
  return g_strdup_printf (
      "was not repaired: %s. accmigctl device reset %s brings it back, and loses what it holds",
      error->message, guest->address);
}

static void
on_repaired (GObject *source, GAsyncResult *result, gpointer user)
{
  Guest *guest = user;
  g_autoptr (GError) error = NULL;
  g_autofree char *outcome = NULL;
  AccmigState found, left;

  if (!broker_client_repair_finish (result, &found, &left, &error))
    outcome = describe_failure (guest, error);
  else if (left != ACCMIG_STATE_RUNNING)
    outcome = g_strdup_printf ("was not repaired: it was %s and is %s now", accmig_state_to_string (found),
                               accmig_state_to_string (left));
  else if (found == ACCMIG_STATE_RUNNING)
    outcome = g_strdup ("needed no repair: it is running again");
  else
    outcome =
        g_strdup_printf ("was repaired: it was %s and is running again", accmig_state_to_string (found));
  say_outcome (guest, outcome);
  if (g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY))
    try_again (guest);
  if (error == NULL && left == ACCMIG_STATE_RUNNING)
    alarms_clear (guest->owner->sources.alarms, guest->uuid, guest->address, guest->suspicion);
  next_device (guest);
}

static guint64
recent_id (const Guest *guest)
{
  const Migration *recent = migrations_recent (guest->owner->sources.migrations, guest->uuid);

  return recent != NULL ? migration_get_id (recent) : 0;
}

/* libvirt was asked a second time. */
static void
conclude (Guest *guest)
{
  Inspection *self = guest->owner;
  AlarmKind kind;
  g_autofree char *detail = NULL;

  if (guest->disturbed || !judge (guest, guest->found, &kind) || kind != guest->suspicion)
    {
      put_off (guest);
      return;
    }
  detail = g_strdup_printf ("is in %s while its guest %s", accmig_state_to_string (guest->found),
                            kind == ALARM_NOT_RUNNING ? "runs" : "is paused");
  (void)alarms_raise (self->sources.alarms,
                      alarm_new (kind, guest->uuid, guest->name, guest->address, recent_id (guest), detail),
                      TRUE);
  if (kind == ALARM_NOT_RUNNING && self->policy.drive)
    broker_client_repair_async (self->sources.broker, guest->address, guest->found, on_repaired, guest);
  else
    next_device (guest);
}

/* ---- looking ---- */

static void look (Guest *guest);

static gboolean
on_look_again (gpointer user)
{
  Guest *guest = user;

  guest->timer = 0;
  look (guest);
  return G_SOURCE_REMOVE;
}

static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user)
{
  Guest *guest = user;
  BrokerPeek peek = { 0 };
  AlarmKind kind;

  if (!broker_client_peek_finish (result, &peek, NULL) || !peek.has_state)
    {
      next_device (guest);
      return;
    }
  if (!judge (guest, peek.state, &kind))
    {
      relax (guest, peek.state);
      next_device (guest);
      return;
    }
  if (guest->suspected && guest->suspicion == kind)
    {
      guest->found = peek.state;
      ask_libvirt (guest, conclude);
      return;
    }
  guest->suspected = TRUE;
  guest->suspicion = kind;
  guest->timer = g_timeout_add_seconds (CONFIRM_SECONDS, on_look_again, guest);
}

static void
look (Guest *guest)
{
  broker_client_peek_async (guest->owner->sources.broker, guest->address, on_peeked, guest);
}

static void
look_at_next (Guest *guest)
{
  const AccmigDomain *domain = domains_lookup (guest->owner->sources.domains, guest->uuid);

  if (domain == NULL || guest->index >= accmig_domain_get_n_hostdevs (domain))
    {
      finish (guest);
      return;
    }
  g_free (guest->address);
  guest->address = g_strdup (accmig_domain_get_hostdev (domain, guest->index)->address);
  look (guest);
}

static void
begin (Guest *guest)
{
  const Inspection *self = guest->owner;
  const Migration *recent = migrations_recent (self->sources.migrations, guest->uuid);

  guest->index = 0;
  guest->suspected = guest->disturbed = FALSE;
  if (recent != NULL && !phase_is_end (migration_get_phase (recent)))
    {
      finish (guest); /* its end will ask for it again */
      return;
    }
  if (recent != NULL)
    self->policy.want_log (guest->uuid, migration_get_name (recent), self->policy.user);
  if (domains_lookup (self->sources.domains, guest->uuid) == NULL)
    finish (guest);
  else
    ask_libvirt (guest, look_at_next);
}
