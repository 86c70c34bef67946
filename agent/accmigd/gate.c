// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gate
 *
 * One attempt per domain at a time: announce it, assess its hostdevs, answer. Two things race for the answer,
 * the assessment and the clock; whoever comes first gives it, and what the other brings is dropped.
 *
 * The XML holds passwords: it is parsed and let go of, never logged or kept.
 */

#include "gate.h"

#include "common/text.h"
#include "log.h"

#define ANSWER_MARGIN_MSEC 1000 /* the hook needs this to hear the answer and to leave */
#define ANSWER_MIN_MSEC    500
#define SETTLE_MSEC        2500 /* the hook itself waits 3 s for an answer that decides nothing */

struct _Gate
{
  GateSources sources;
  GatePolicy policy;
  GHashTable *attempts; /* char * uuid → Attempt *, both borrowed: those not answered yet */
};

/* One "migrate begin". It lives until the assessment returns, which may be after the answer. */
typedef struct
{
  Gate *gate;
  char *domain;
  char *uuid;
  GTask *task; /* (nullable): until answered */
  Assessment *assessment;
  guint timer;
} Attempt;

void
gate_answer_free (GateAnswer *answer)
{
  if (answer == NULL)
    return;
  g_free (answer->message);
  g_free (answer->new_xml);
  g_free (answer);
}

Gate *
gate_new (const GateSources *sources, const GatePolicy *policy)
{
  Gate *self = g_new0 (Gate, 1);

  self->sources = *sources;
  self->policy = *policy;
  self->attempts = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
gate_free (Gate *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->attempts);
  g_free (self);
}

/* ---- answers ---- */

/* Makes one line of a text that may hold names from another host. */
static char *
one_line (const char *text)
{
  char *line = g_utf8_make_valid (text, -1);

  text_make_printable (line);
  return line;
}

static GateAnswer *
answer_new (gboolean allowed, const char *message)
{
  GateAnswer *answer = g_new0 (GateAnswer, 1);

  answer->allowed = allowed;
  answer->message = one_line (message);
  answer->new_xml = g_strdup ("");
  return answer;
}

static void
return_answer (GTask *task, GateAnswer *answer)
{
  g_task_return_pointer (task, answer, (GDestroyNotify)gate_answer_free);
}

static void
allow (GTask *task)
{
  return_answer (task, answer_new (TRUE, ""));
}

/* @cause: "hostdev0: queue count differs: … [hisi_acc.qp-num]" */
static void
refuse (GTask *task, const char *domain, const char *uuid, const char *cause)
{
  g_autofree char *line = g_strdup_printf ("accmig: refused %s: %s", domain, cause);
  GateAnswer *answer = answer_new (FALSE, line);

  log_event (LOG_EVENT_REFUSED, &(LogContext){ .domain = domain, .uuid = uuid }, "%s", answer->message);
  return_answer (task, answer);
}

/* ---- migrate begin ---- */

static void
attempt_free (Attempt *attempt)
{
  g_clear_handle_id (&attempt->timer, g_source_remove);
  g_clear_object (&attempt->task);
  assessment_unref (attempt->assessment);
  g_free (attempt->domain);
  g_free (attempt->uuid);
  g_free (attempt);
}

/* Gives the answer, once. @cause: (nullable): why not */
static void
conclude (Attempt *attempt, const char *cause)
{
  Gate *self = attempt->gate;
  g_autoptr (GTask) task = g_steal_pointer (&attempt->task);

  g_clear_handle_id (&attempt->timer, g_source_remove);
  g_hash_table_remove (self->attempts, attempt->uuid);
  if (cause != NULL)
    {
      reservations_withdraw (self->sources.reservations, attempt->uuid);
      migrations_on_gate (self->sources.migrations, attempt->uuid, FALSE, cause);
      refuse (task, attempt->domain, attempt->uuid, cause);
      return;
    }
  migrations_on_gate (self->sources.migrations, attempt->uuid, TRUE, "");
  log_event (LOG_EVENT_ACCEPTED, &(LogContext){ .domain = attempt->domain, .uuid = attempt->uuid },
             "accepted “%s”", attempt->domain);
  allow (task);
}

/* Whether this row stops the migration. */
static gboolean
row_refuses (const Gate *self, const AssessmentRow *row)
{
  switch (row->policy)
    {
    case POLICY_ON_NO_PROFILE:
      return !self->policy.accept_on_no_profile;
    case POLICY_ON_UNKNOWN:
      return !self->policy.accept_on_unknown;
    case POLICY_NONE:
    default:
      return row->outcome == ACCMIG_OUTCOME_INCOMPATIBLE;
    }
}

static void
log_policy (const Attempt *attempt, const AssessmentRow *row)
{
  LogContext context = { .domain = attempt->domain, .uuid = attempt->uuid, .device = row->address };

  log_event (LOG_EVENT_POLICY, &context, "“%s” is let through by policy all the same: %s: %s [%s]",
             attempt->domain, row->alias, row->sentence, row->rule);
}

static void
decide (Attempt *attempt)
{
  for (gsize i = 0; i < assessment_get_n_rows (attempt->assessment); i++)
    {
      AssessmentRow row = assessment_get_row (attempt->assessment, i);

      if (row_refuses (attempt->gate, &row))
        {
          g_autofree char *cause = g_strdup_printf ("%s: %s [%s]", row.alias, row.sentence, row.rule);

          conclude (attempt, cause);
          return;
        }
    }
  for (gsize i = 0; i < assessment_get_n_rows (attempt->assessment); i++)
    {
      AssessmentRow row = assessment_get_row (attempt->assessment, i);

      if (row.policy != POLICY_NONE)
        log_policy (attempt, &row);
    }
  conclude (attempt, NULL);
}

static void
on_assessed (GObject *source, GAsyncResult *result, gpointer user)
{
  Attempt *attempt = user;

  assessment_run_finish (result);
  if (attempt->task != NULL)
    decide (attempt);
  attempt_free (attempt);
}

static guint
answer_limit_msec (const Gate *self)
{
  guint limit = self->policy.hook_timeout * 1000;

  return limit > ANSWER_MARGIN_MSEC + ANSWER_MIN_MSEC ? limit - ANSWER_MARGIN_MSEC : ANSWER_MIN_MSEC;
}

/* The devices did not answer in time. */
static gboolean
on_late (gpointer user)
{
  Attempt *attempt = user;
  g_autofree char *cause = g_strdup_printf ("the devices did not answer within %u ms [gate.on-agent-failure]",
                                            answer_limit_msec (attempt->gate));

  attempt->timer = 0;
  if (!attempt->gate->policy.accept_on_agent_failure)
    {
      conclude (attempt, cause);
      return G_SOURCE_REMOVE;
    }
  log_event (LOG_EVENT_POLICY, &(LogContext){ .domain = attempt->domain, .uuid = attempt->uuid },
             "“%s” is let through by policy all the same: %s", attempt->domain, cause);
  conclude (attempt, NULL);
  return G_SOURCE_REMOVE;
}

/* @task: (transfer full) */
static void
begin_attempt (Gate *self, const AccmigDomain *domain, GTask *task)
{
  const AssessmentSources sources = { self->sources.registry, self->sources.prober,
                                      self->sources.reservations };
  Attempt *attempt = g_new0 (Attempt, 1);
  g_autoptr (GError) error = NULL;

  attempt->gate = self;
  attempt->domain = g_strdup (accmig_domain_get_name (domain));
  attempt->uuid = g_strdup (accmig_domain_get_uuid (domain));
  attempt->task = task;
  attempt->assessment = assessment_new (&sources, attempt->domain, attempt->uuid);
  attempt->timer = g_timeout_add (answer_limit_msec (self), on_late, attempt);
  g_hash_table_insert (self->attempts, attempt->uuid, attempt);

  (void)migrations_announce (self->sources.migrations, domain);
  if (!registry_rescan (self->sources.registry, &error))
    g_warning ("sysfs cannot be read, going on with what is known: %s", error->message);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    assessment_add (attempt->assessment, accmig_domain_get_hostdev (domain, i));
  assessment_run_async (attempt->assessment, on_assessed, attempt);
}

static void
ask_migrate (Gate *self, const GateQuestion *question, GTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) domain = accmig_domain_new_from_xml (question->xml, question->xml_length, &error);
  const char *uuid = domain != NULL ? accmig_domain_get_uuid (domain) : NULL;
  g_autofree char *cause = NULL;

  if (domain == NULL)
    cause = g_strdup_printf ("%s [gate.xml]", error->message);
  else if (accmig_domain_get_n_hostdevs (domain) > 0 && uuid == NULL)
    cause = g_strdup ("the domain XML has no UUID [gate.xml]");
  else if (uuid != NULL && g_hash_table_contains (self->attempts, uuid))
    cause = g_strdup ("another migration of this domain is being looked at [gate.twice]");

  if (cause != NULL)
    refuse (task, question->domain, uuid, cause);
  else if (accmig_domain_get_n_hostdevs (domain) == 0)
    allow (task);
  else
    begin_attempt (self, domain, g_object_ref (task));
}

/* ---- everything else ---- */

static void
on_settled (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;

  if (!prober_settle_finish (result))
    g_warning ("a device is still open here while a domain is about to take it");
  allow (task);
}

/* libvirt is about to give the devices to QEMU: nobody here may have them open when it does. What libvirt
 * does goes before what the gate had in mind with a device. */
static void
take_devices (Gate *self, const AccmigDomain *domain, GTask *task)
{
  const char *uuid = accmig_domain_get_uuid (domain);
  const char *name = accmig_domain_get_name (domain);
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();

  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const char *address = accmig_domain_get_hostdev (domain, i)->address;
      Reservation before = { 0 };

      if (reservations_lookup (self->sources.reservations, address, &before)
          && !g_str_equal (before.uuid, uuid))
        log_event (LOG_EVENT_STRANGE, &(LogContext){ .domain = name, .uuid = uuid, .device = address },
                   "%s was reserved for domain “%s”, but libvirt gives it to “%s”", address, before.domain,
                   name);
      reservations_hold (self->sources.reservations, address, uuid, name);
      g_ptr_array_add (addresses, (gpointer)address);
    }
  g_ptr_array_add (addresses, NULL);
  prober_settle_async (self->sources.prober, (const char *const *)addresses->pdata, SETTLE_MSEC, on_settled,
                       g_object_ref (task));
}

static void
release_devices (Gate *self, const AccmigDomain *domain, GTask *task)
{
  reservations_release (self->sources.reservations, accmig_domain_get_uuid (domain));
  allow (task);
}

static void
note_only (Gate *self, const AccmigDomain *domain, GTask *task)
{
  allow (task);
}

/* The calls that are taken note of. A word that is not here is let through unread. */
static const struct
{
  const char *operation;
  void (*run) (Gate *self, const AccmigDomain *domain, GTask *task);
} notices[] = {
  { "prepare", take_devices }, { "start", take_devices },      { "started", note_only },
  { "stopped", note_only },    { "release", release_devices },
};

static void
ask_other (Gate *self, const GateQuestion *question, GTask *task)
{
  for (gsize i = 0; i < G_N_ELEMENTS (notices); i++)
    {
      g_autoptr (AccmigDomain) domain = NULL;

      if (!g_str_equal (question->operation, notices[i].operation))
        continue;
      domain = accmig_domain_new_from_xml (question->xml, question->xml_length, NULL);
      if (domain == NULL || accmig_domain_get_n_hostdevs (domain) == 0
          || accmig_domain_get_uuid (domain) == NULL)
        break;
      migrations_on_hook (self->sources.migrations, accmig_domain_get_uuid (domain), question->operation);
      notices[i].run (self, domain, task);
      return;
    }
  allow (task);
}

void
gate_ask_async (Gate *self, const GateQuestion *question, GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  if (g_str_equal (question->operation, "migrate") && g_str_equal (question->suboperation, "begin"))
    ask_migrate (self, question, task);
  else
    ask_other (self, question, task);
}

GateAnswer *
gate_ask_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
