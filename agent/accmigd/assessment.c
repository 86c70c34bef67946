// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assessment
 *
 * Hostdevs are placed by what is known of the devices, and the devices reserved in the same turn of the main
 * loop, so that two guests never get the same one. Then those that were chosen are opened, for only that
 * tells all; and with what it told everything is placed anew, and what is no longer needed let go. That ends
 * when nothing that was chosen is left to be asked, and it does end, for each device is asked once.
 *
 * Only then is it seen whether an mdev has to be made; it is a device like the others afterwards.
 *
 * What judgement.c says of the device that a hostdev got is its row. A hostdev that got none is told why it
 * did not get the one that its XML names. The other rows are looked at all the same, so that the report is
 * whole.
 */

#include "assessment.h"

#include "assign.h"
#include "binding.h"
#include "making.h"
#include "trial.h"

G_STATIC_ASSERT (ACCMIG_DOMAIN_MAX_HOSTDEVS <= ASSIGN_MAX_ROWS);

struct _Assessment
{
  AssessmentSources sources;
  char *domain;
  char *uuid;        /* (nullable): dry */
  GPtrArray *rows;   /* of Row, owned */
  GArray *nodes;     /* of int */
  GHashTable *asked; /* char * address → GError * (nullable), both owned */
  GHashTable *tried; /* char * trial_key() → char * refusal (nullable), both owned */
  GError *unmade;    /* (nullable): why an mdev could not be made */
  AccmigGuest guest;
  AccmigVerdict *guest_verdict; /* (nullable): when it is over */
  gboolean stopped;
  gboolean learning; /* something was asked in this round */
  guint pending;     /* answers to come, and one for the round itself while it begins */
  GTask *task;       /* (nullable): while it runs */
};

typedef struct
{
  char *alias;
  AccmigKind kind;
  char *address;
  gboolean managed;
  gboolean transient;
  AccmigProfile *source; /* (nullable) */
  gboolean decided;      /* before any device is looked at */
  char *target;          /* (nullable): the device it gets */
  char *making;          /* (nullable): the mdev that is being made for it */
  gboolean made;         /* or was, once: if that one does not fit, the next will not either */
  Judgement judgement;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_clear_pointer (&row->source, accmig_profile_unref);
  judgement_clear (&row->judgement);
  g_free (row->alias);
  g_free (row->address);
  g_free (row->target);
  g_free (row->making);
  g_free (row);
}

static void
error_free (gpointer error)
{
  if (error != NULL)
    g_error_free (error);
}

Assessment *
assessment_new (const AssessmentSources *sources, const char *domain, const char *uuid)
{
  Assessment *self = g_rc_box_new0 (Assessment);

  self->sources = *sources;
  self->domain = g_strdup (domain);
  self->uuid = g_strdup (uuid);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->nodes = g_array_new (FALSE, FALSE, sizeof (int));
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, error_free);
  self->tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

static void
assessment_clear (gpointer data)
{
  Assessment *self = data;

  g_ptr_array_unref (self->rows);
  g_array_unref (self->nodes);
  g_hash_table_unref (self->asked);
  g_hash_table_unref (self->tried);
  g_clear_error (&self->unmade);
  g_clear_pointer (&self->guest_verdict, accmig_verdict_free);
  g_free (self->domain);
  g_free (self->uuid);
}

Assessment *
assessment_ref (Assessment *self)
{
  return g_rc_box_acquire (self);
}

void
assessment_unref (Assessment *self)
{
  g_rc_box_release_full (self, assessment_clear);
}

/* ---- the hostdevs ---- */

/* What rules a hostdev out wherever it would go. */
static void
decide_beforehand (Row *row, const GError *unreadable)
{
  const char *kind = row->source != NULL ? accmig_profile_get_string (row->source, "device.kind") : NULL;

  if (unreadable != NULL)
    judgement_set (&row->judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.profile",
                   "the source's profile cannot be read: %s", unreadable->message);
  else if (kind != NULL && !g_str_equal (kind, accmig_kind_to_string (row->kind)))
    judgement_set (&row->judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.kind",
                   "the device at the source is of kind %s, %s is of kind %s", kind, row->address,
                   accmig_kind_to_string (row->kind));
  row->decided = row->judgement.rule != NULL;
}

void
assessment_add (Assessment *self, const AccmigHostdev *hostdev)
{
  Row *row = g_new0 (Row, 1);
  g_autoptr (GError) error = NULL;

  g_return_if_fail (self->rows->len < ACCMIG_DOMAIN_MAX_HOSTDEVS);

  row->alias = g_strdup (hostdev->alias);
  row->kind = hostdev->kind;
  row->address = g_strdup (hostdev->address);
  row->managed = hostdev->managed;
  row->transient = hostdev->transient;
  if (hostdev->profile != NULL)
    row->source = accmig_profile_new_from_json (hostdev->profile, -1, &error);
  decide_beforehand (row, error);
  g_ptr_array_add (self->rows, row);
}

void
assessment_set_guest (Assessment *self, const AccmigGuest *guest)
{
  self->guest = *guest;
}

void
assessment_add_node (Assessment *self, int node)
{
  g_array_append_val (self->nodes, node);
}

static DeviceView
get_view (const Assessment *self)
{
  return (DeviceView){ .registry = self->sources.registry,
                       .reservations = self->sources.reservations,
                       .uuid = self->uuid,
                       .asked = self->asked,
                       .tried = self->tried,
                       .bind = self->sources.bind };
}

static Claim
get_claim (const Row *row)
{
  return (
      Claim){ .kind = row->kind, .address = row->address, .managed = row->managed, .source = row->source };
}

/* ---- the answers ---- */

/* Why a hostdev got nothing. */
static void
judge_unplaced (const Assessment *self, Row *row)
{
  const DeviceView view = get_view (self);
  const Claim claim = get_claim (row);
  Judgement *judgement = &row->judgement;
  g_autofree char *sentence = NULL;
  g_autofree char *rule = NULL;
  const char *others =
      self->sources.remap == REMAP_NEVER ? "" : ", and no other that the guest may have is free and fits";

  judgement_make (&view, &claim, row->address, judgement);
  if (judgement->outcome != ACCMIG_OUTCOME_INCOMPATIBLE)
    judgement_set (judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.taken",
                   "%s goes to another hostdev of this guest", row->address);
  sentence = g_strdup_printf ("%s%s", judgement->sentence, others);
  rule = g_strdup (judgement->rule);
  if (self->unmade != NULL && row->kind == ACCMIG_KIND_MDEV)
    judgement_set (judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, rule, "%s; none could be made: %s",
                   sentence, self->unmade->message);
  else
    judgement_set (judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, rule, "%s", sentence);
}

/* A dry assessment makes nothing, so that nobody knows what the new one would be. */
static gboolean
judge_making (const Assessment *self, Row *row)
{
  const DeviceView view = get_view (self);
  const Claim claim = get_claim (row);
  g_autoptr (MakingPlan) plan = NULL;

  if (self->uuid != NULL || !self->sources.create_mdev)
    return FALSE;
  plan = making_plan_new (self->sources.sysfs_fd, &view, self->sources.remap, &claim);
  if (plan != NULL)
    judgement_set (&row->judgement, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_UNKNOWN, "gate.create-mdev",
                   "an mdev of type %s would be made on %s", plan->type, plan->parent);
  return plan != NULL;
}

static void
judge (const Assessment *self, Row *row)
{
  const DeviceView view = get_view (self);
  const Claim claim = get_claim (row);

  if (row->decided)
    return;
  if (row->target != NULL)
    judgement_make (&view, &claim, row->target, &row->judgement);
  else if (!judge_making (self, row))
    judge_unplaced (self, row);
}

/* What its devices at the source have to say of the guest as a whole: it is the same wherever it goes. */
static void
judge_guest (Assessment *self)
{
  AccmigGuestDevice devices[ACCMIG_DOMAIN_MAX_HOSTDEVS];

  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = self->rows->pdata[i];

      devices[i] = (AccmigGuestDevice){ row->kind, row->transient, row->source };
    }
  self->guest_verdict = accmig_guest_check (&self->guest, devices, self->rows->len);
}

/* ---- one round ---- */

static void
place (Assessment *self)
{
  const DeviceView view = get_view (self);
  const PlacementWishes wishes = { self->sources.remap, self->nodes };
  Claim claims[ACCMIG_DOMAIN_MAX_HOSTDEVS];
  const char *targets[ACCMIG_DOMAIN_MAX_HOSTDEVS];
  gsize n = 0;

  for (guint i = 0; i < self->rows->len; i++)
    if (!((const Row *)self->rows->pdata[i])->decided)
      claims[n++] = get_claim (self->rows->pdata[i]);
  placement_solve (&view, &wishes, claims, n, targets);
  n = 0;
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];

      if (row->decided)
        continue;
      g_free (row->target);
      row->target = g_strdup (targets[n++]);
    }
}

/* Reserves what was chosen and what is being made, and lets go of everything else. */
static void
promise (const Assessment *self)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();

  if (self->uuid == NULL)
    return;
  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = self->rows->pdata[i];

      if (row->target != NULL)
        g_ptr_array_add (addresses, row->target);
      if (row->making != NULL)
        g_ptr_array_add (addresses, row->making);
    }
  g_ptr_array_add (addresses, NULL);
  reservations_promise (self->sources.reservations, self->uuid, self->domain,
                        (const char *const *)addresses->pdata);
}

static void finish_one (Assessment *self);

/* One device that is asked. */
typedef struct
{
  Assessment *owner;
  char *address;
  char *key; /* (nullable): of a trial */
} Asking;

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Asking *asking = user;
  g_autoptr (Assessment) self = asking->owner;
  GError *error = NULL;

  (void)prober_probe_finish (result, &error);
  g_hash_table_replace (self->asked, asking->address, error);
  finish_one (self);
}

/* It has its driver, and is asked what that offers. */
static void
on_bound (GObject *source, GAsyncResult *result, gpointer user)
{
  Asking *asking = user;
  Assessment *self = asking->owner;
  GError *error = NULL;

  if (binding_run_finish (result, &error) && !self->stopped)
    {
      prober_probe_async (self->sources.prober, asking->address, on_probed, asking);
      return;
    }
  g_hash_table_replace (self->asked, asking->address, error);
  g_free (asking);
  finish_one (self);
  assessment_unref (self);
}

static Asking *
begin_asking (Assessment *self, const Row *row)
{
  Asking *asking = g_new0 (Asking, 1);

  asking->owner = assessment_ref (self);
  asking->address = g_strdup (row->target);
  self->pending++;
  self->learning = TRUE;
  return asking;
}

static void
ask (Assessment *self, const Row *row)
{
  const DeviceView view = get_view (self);
  const Claim claim = get_claim (row);
  const Device *device = row->target != NULL ? registry_lookup (self->sources.registry, row->target) : NULL;

  if (device == NULL)
    return;
  if (device_view_may_bind (&view, &claim, device))
    {
      if (self->uuid != NULL)
        binding_run_async (self->sources.prober, self->sources.registry, row->target, on_bound,
                           begin_asking (self, row));
      return; /* a dry assessment binds nothing: what it has now tells nothing of what it would have */
    }
  if (device_view_may_ask (&view, device))
    prober_probe_async (self->sources.prober, row->target, on_probed, begin_asking (self, row));
}

/* One device whose driver is asked about the source's match data. */
static void
on_tried (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Asking *asking = user;
  g_autoptr (Assessment) self = asking->owner;
  g_autofree char *address = asking->address;
  char *refusal = NULL;
  GError *error = NULL;

  if (!trial_run_finish (result, &refusal, &error))
    g_hash_table_replace (self->asked, g_steal_pointer (&address), error);
  g_hash_table_replace (self->tried, asking->key, refusal);
  finish_one (self);
}

static void
try (Assessment *self, const Row *row)
{
  const DeviceView view = get_view (self);
  const Claim claim = get_claim (row);
  const Device *device = row->target != NULL ? registry_lookup (self->sources.registry, row->target) : NULL;
  g_autofree char *key = NULL;
  Asking *asking = NULL;

  if (device == NULL || row->source == NULL || device_view_may_bind (&view, &claim, device))
    return;
  key = trial_key (row->target, row->source);
  if (g_hash_table_contains (self->tried, key))
    return;
  asking = begin_asking (self, row);
  asking->key = g_steal_pointer (&key);
  trial_run_async (self->sources.prober, self->sources.registry, row->target, row->source, on_tried, asking);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Assessment) self = user;
  gboolean made = making_run_finish (result, &self->unmade);
  gboolean not_made = !made && !broker_error_is_unavailable (self->unmade);

  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];
      g_autofree char *uuid = g_steal_pointer (&row->making);
      Reservation reservation = { 0 };

      if (made && uuid != NULL && !reservations_lookup (self->sources.reservations, uuid, &reservation))
        making_undo (self->sources.broker, self->sources.registry, uuid); /* the gate answered meanwhile */
      if (not_made && uuid != NULL)
        reservations_set_made (self->sources.reservations, uuid, FALSE); /* one of that name is another's */
    }
  finish_one (self);
}

/* Has one mdev made, for the first hostdev that is without a device. */
static void
make_missing (Assessment *self)
{
  const DeviceView view = get_view (self);

  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];
      const Claim claim = get_claim (row);
      g_autoptr (MakingPlan) plan = NULL;

      if (!row->decided && row->target == NULL && !row->made)
        plan = making_plan_new (self->sources.sysfs_fd, &view, self->sources.remap, &claim);
      if (plan == NULL)
        continue;
      row->making = g_strdup (plan->uuid);
      row->made = TRUE;
      promise (self);
      reservations_set_made (self->sources.reservations, plan->uuid, TRUE);
      self->pending++;
      self->learning = TRUE;
      making_run_async (self->sources.broker, self->sources.registry, plan, on_made, assessment_ref (self));
      return;
    }
}

static void
begin_round (Assessment *self)
{
  place (self);
  promise (self);
  self->pending = 1;
  self->learning = FALSE;
  for (guint i = 0; i < self->rows->len; i++)
    ask (self, self->rows->pdata[i]);
  if (!self->learning && self->sources.trial)
    for (guint i = 0; i < self->rows->len; i++)
      try (self, self->rows->pdata[i]);
  if (!self->learning && self->uuid != NULL && self->sources.create_mdev && self->unmade == NULL)
    make_missing (self);
  finish_one (self);
}

static void
finish_one (Assessment *self)
{
  g_autoptr (GTask) task = NULL;

  self->pending--;
  if (self->pending > 0)
    return;
  if (self->learning && !self->stopped)
    {
      begin_round (self);
      return;
    }
  for (guint i = 0; i < self->rows->len; i++)
    judge (self, self->rows->pdata[i]);
  judge_guest (self);
  task = g_steal_pointer (&self->task);
  g_task_return_boolean (task, TRUE);
}

void
assessment_run_async (Assessment *self, GAsyncReadyCallback callback, gpointer user)
{
  self->task = g_task_new (NULL, NULL, callback, user);
  g_task_set_task_data (self->task, assessment_ref (self), (GDestroyNotify)assessment_unref);
  begin_round (self);
}

void
assessment_run_finish (GAsyncResult *result)
{
  (void)g_task_propagate_boolean (G_TASK (result), NULL);
}

void
assessment_stop (Assessment *self)
{
  self->stopped = TRUE;
}

/* ---- what came out ---- */

gsize
assessment_get_n_rows (const Assessment *self)
{
  return self->rows->len;
}

AssessmentRow
assessment_get_row (const Assessment *self, gsize index)
{
  const Row *row = self->rows->pdata[index];
  const Judgement *judgement = &row->judgement;

  return (AssessmentRow){
    .alias = row->alias,
    .named = row->address,
    .address = row->target != NULL ? row->target : row->address,
    .remapped = row->target != NULL && !g_str_equal (row->target, row->address),
    .outcome = judgement->outcome,
    .policy = judgement->policy,
    .sentence = judgement->sentence != NULL ? judgement->sentence : "",
    .rule = judgement->rule != NULL ? judgement->rule : "",
    .verdict = judgement->verdict,
  };
}

const char *
assessment_get_domain (const Assessment *self)
{
  return self->domain;
}

const AccmigVerdict *
assessment_get_guest (const Assessment *self)
{
  return self->guest_verdict;
}

AccmigOutcome
assessment_get_outcome (const Assessment *self)
{
  AccmigOutcome worst = accmig_verdict_get_outcome (self->guest_verdict);

  for (guint i = 0; i < self->rows->len; i++)
    worst = MAX (worst, ((const Row *)self->rows->pdata[i])->judgement.outcome);
  return worst;
}
