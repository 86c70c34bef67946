// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assessment
 *
 * Each row goes through the same steps: find the target, see that it is free, reserve it, learn what only
 * opening it tells, compare. The first step that fails decides the row; the others rows are looked at all the
 * same, so that the report is whole.
 *
 * A target that should be opened and cannot be is judged by what is known of it: what is incompatible then
 * stays so, everything else is unknown.
 */

#include "assessment.h"

#include <json-glib/json-glib.h>

#define REPORT_FORMAT "accmig-report/1"

struct _Assessment
{
  AssessmentSources sources;
  char *domain;
  char *uuid;      /* (nullable): dry */
  GPtrArray *rows; /* of Row, owned */
  guint pending;   /* probes under way, and one for the starting loop */
  GTask *task;     /* (nullable): while it runs */
};

typedef struct
{
  Assessment *owner; /* borrowed */
  char *alias;
  AccmigKind kind;
  char *address;
  gboolean managed;
  AccmigProfile *source; /* (nullable) */
  gboolean decided;
  AccmigOutcome outcome;
  Policy policy;
  char *sentence;
  char *rule;
  AccmigVerdict *verdict; /* (nullable) */
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_clear_pointer (&row->source, accmig_profile_unref);
  g_clear_pointer (&row->verdict, accmig_verdict_free);
  g_free (row->alias);
  g_free (row->address);
  g_free (row->sentence);
  g_free (row->rule);
  g_free (row);
}

Assessment *
assessment_new (const AssessmentSources *sources, const char *domain, const char *uuid)
{
  Assessment *self = g_rc_box_new0 (Assessment);

  self->sources = *sources;
  self->domain = g_strdup (domain);
  self->uuid = g_strdup (uuid);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  return self;
}

static void
assessment_clear (gpointer data)
{
  Assessment *self = data;

  g_ptr_array_unref (self->rows);
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

/* ---- deciding a row ---- */

static G_GNUC_PRINTF (5, 6) void decide (Row *row, AccmigOutcome outcome, Policy policy, const char *rule,
                                         const char *format, ...)
{
  va_list args;

  g_free (row->sentence);
  g_free (row->rule);
  va_start (args, format);
  row->sentence = g_strdup_vprintf (format, args);
  va_end (args);
  row->rule = g_strdup (rule);
  row->decided = TRUE;
  row->outcome = outcome;
  row->policy = policy;
}

void
assessment_add (Assessment *self, const AccmigHostdev *hostdev)
{
  Row *row = g_new0 (Row, 1);
  g_autoptr (GError) error = NULL;

  row->owner = self;
  row->alias = g_strdup (hostdev->alias);
  row->kind = hostdev->kind;
  row->address = g_strdup (hostdev->address);
  row->managed = hostdev->managed;
  row->outcome = ACCMIG_OUTCOME_COMPATIBLE;
  g_ptr_array_add (self->rows, row);

  if (hostdev->profile == NULL)
    return;
  row->source = accmig_profile_new_from_json (hostdev->profile, -1, &error);
  if (row->source == NULL)
    decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.profile",
            "the source's profile cannot be read: %s", error->message);
}

/* Whether the target exists and nobody else has it. */
static gboolean
is_available (Row *row, const Device *device)
{
  const Assessment *self = row->owner;
  Reservation reservation = { 0 };

  if (device == NULL || accmig_device_info_get_kind (device_get_info (device)) != row->kind)
    {
      decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.no-device", "no device %s on this host",
              row->address);
      return FALSE;
    }
  if (device_get_owner (device) == OWNER_GUEST)
    {
      decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.in-use", "%s is in use by domain “%s”",
              row->address, device_get_domain (device));
      return FALSE;
    }
  if (reservations_lookup (self->sources.reservations, row->address, &reservation)
      && g_strcmp0 (reservation.uuid, self->uuid) != 0)
    {
      decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.reserved",
              "%s is reserved for domain “%s”", row->address, reservation.domain);
      return FALSE;
    }
  if (device_get_owner (device) == OWNER_HOST && !row->managed)
    {
      decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.not-free",
              "%s is bound to the host's driver %s and libvirt does not manage it", row->address,
              device_get_driver (device));
      return FALSE;
    }
  return TRUE;
}

/* Compares the profiles. @unasked: (nullable): why the target could not be opened for it */
static void
compare (Row *row, const GError *unasked)
{
  const Device *device = registry_lookup (row->owner->sources.registry, row->address);
  const AccmigProfile *target = device != NULL ? device_get_profile (device) : NULL;
  const AccmigFinding *decisive = NULL;

  if (target == NULL)
    {
      decide (row, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_UNKNOWN, "gate.on-unknown", "nothing is known of %s",
              row->address);
      return;
    }
  row->verdict =
      accmig_compat_check (row->source, target, row->managed ? ACCMIG_COMPAT_MANAGED : ACCMIG_COMPAT_NONE);
  row->outcome = accmig_verdict_get_outcome (row->verdict);
  decisive = accmig_verdict_get_decisive (row->verdict);
  if (unasked != NULL && row->outcome != ACCMIG_OUTCOME_INCOMPATIBLE)
    decide (row, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_UNKNOWN, "gate.on-unknown", "%s could not be asked: %s",
            row->address, unasked->message);
  else if (decisive != NULL)
    decide (row, row->outcome, row->outcome == ACCMIG_OUTCOME_UNKNOWN ? POLICY_ON_UNKNOWN : POLICY_NONE,
            decisive->rule, "%s", decisive->sentence);
}

/* The last step of a row that is not decided: there may be nothing to compare with. */
static void
conclude (Row *row, const GError *unasked)
{
  if (row->decided)
    return;
  if (g_error_matches (unasked, ACCMIG_ERROR, ACCMIG_ERROR_BUSY))
    decide (row, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, "gate.in-use", "%s is in use", row->address);
  else if (row->source == NULL)
    decide (row, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_NO_PROFILE, "gate.on-no-profile",
            "the source sent no profile of this device");
  else
    compare (row, unasked);
}

/* ---- running ---- */

static void
finish_one (Assessment *self)
{
  g_autoptr (GTask) task = NULL;

  self->pending--;
  if (self->pending > 0)
    return;
  task = g_steal_pointer (&self->task);
  g_task_return_boolean (task, TRUE);
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  Row *row = user;
  g_autoptr (Assessment) self = assessment_ref (row->owner);
  g_autoptr (GError) error = NULL;

  (void)prober_probe_finish (result, &error);
  conclude (row, error);
  finish_one (self);
}

static void
start_row (Assessment *self, Row *row)
{
  const Device *device = registry_lookup (self->sources.registry, row->address);

  if (row->decided || !is_available (row, device))
    return;
  if (self->uuid != NULL)
    reservations_take (self->sources.reservations, row->address, self->uuid, self->domain);
  if (!device_is_vfio (device) || (self->uuid == NULL && device_is_probed (device)))
    {
      conclude (row, NULL);
      return;
    }
  self->pending++;
  prober_probe_async (self->sources.prober, row->address, on_probed, row);
}

void
assessment_run_async (Assessment *self, GAsyncReadyCallback callback, gpointer user)
{
  self->task = g_task_new (NULL, NULL, callback, user);
  g_task_set_task_data (self->task, assessment_ref (self), (GDestroyNotify)assessment_unref);
  self->pending = 1;
  for (guint i = 0; i < self->rows->len; i++)
    start_row (self, self->rows->pdata[i]);
  finish_one (self);
}

void
assessment_run_finish (GAsyncResult *result)
{
  (void)g_task_propagate_boolean (G_TASK (result), NULL);
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

  return (AssessmentRow){
    .alias = row->alias,
    .address = row->address,
    .outcome = row->outcome,
    .policy = row->policy,
    .sentence = row->sentence != NULL ? row->sentence : "",
    .rule = row->rule != NULL ? row->rule : "",
    .verdict = row->verdict,
  };
}

AccmigOutcome
assessment_get_outcome (const Assessment *self)
{
  AccmigOutcome worst = ACCMIG_OUTCOME_COMPATIBLE;

  for (guint i = 0; i < self->rows->len; i++)
    worst = MAX (worst, ((const Row *)self->rows->pdata[i])->outcome);
  return worst;
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_row (JsonBuilder *builder, const AssessmentRow *row)
{
  json_builder_begin_object (builder);
  add_string (builder, "alias", row->alias);
  add_string (builder, "target", row->address);
  add_string (builder, "outcome", accmig_outcome_to_string (row->outcome));
  json_builder_set_member_name (builder, "verdict");
  if (row->verdict != NULL)
    {
      g_autofree char *text = accmig_verdict_to_json (row->verdict);

      json_builder_add_value (builder, json_from_string (text, NULL));
    }
  else
    json_builder_add_null_value (builder);
  add_string (builder, "sentence", row->sentence);
  add_string (builder, "rule", row->rule);
  json_builder_end_object (builder);
}

char *
assessment_to_json (const Assessment *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_string (builder, "format", REPORT_FORMAT);
  add_string (builder, "host", g_get_host_name ());
  add_string (builder, "domain", self->domain);
  add_string (builder, "outcome", accmig_outcome_to_string (assessment_get_outcome (self)));
  json_builder_set_member_name (builder, "hostdevs");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < assessment_get_n_rows (self); i++)
    {
      AssessmentRow row = assessment_get_row (self, i);

      add_row (builder, &row);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
