// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gate
 *
 * One attempt per domain at a time: announce it, assess its hostdevs, answer. Two things race for the answer,
 * the assessment and the clock; whoever comes first gives it, and what the other brings is dropped.
 *
 * libvirt tells the source nothing of a refusal. Once it is answered, the source's agent is told, if it is
 * one of those that are.
 *
 * The XML holds passwords: it is let go of with the answer, and never logged or stored.
 */

#include "gate.h"

#include "common/text.h"
#include "handover.h"
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
  char *token;         /* (nullable) */
  char *source;        /* (nullable): the host it comes from, as its XML says */
  GTask *task;         /* (nullable): until answered */
  AccmigDomain *guest; /* (nullable): as it came, until answered */
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

/* The kernel's events come later than libvirt's questions. */
static void
look (Gate *self)
{
  g_autoptr (GError) error = NULL;

  if (!registry_rescan (self->sources.registry, &error))
    g_warning ("sysfs cannot be read, going on with what is known: %s", error->message);
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

/* @new_xml: (nullable): NULL to keep what came */
static void
allow_as (GTask *task, const char *new_xml)
{
  GateAnswer *answer = answer_new (TRUE, "");

  if (new_xml != NULL)
    {
      g_free (answer->new_xml);
      answer->new_xml = g_strdup (new_xml);
    }
  return_answer (task, answer);
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
  g_clear_pointer (&attempt->guest, accmig_domain_free);
  assessment_unref (attempt->assessment);
  g_free (attempt->domain);
  g_free (attempt->uuid);
  g_free (attempt->token);
  g_free (attempt->source);
  g_free (attempt);
}

/* Puts the devices that the guest gets into its XML. @ret_xml: NULL when they are those that it names
 * @ret_cause: why that cannot be done */
static gboolean
rewrite (Attempt *attempt, char **ret_xml, char **ret_cause)
{
  g_autoptr (GError) error = NULL;
  gboolean any = FALSE, ok = TRUE;

  for (gsize i = 0; ok && i < assessment_get_n_rows (attempt->assessment); i++)
    {
      AssessmentRow row = assessment_get_row (attempt->assessment, i);

      if (row.remapped)
        ok = any = accmig_domain_set_source (attempt->guest, i, row.address, &error);
    }
  if (ok && any)
    *ret_xml = accmig_domain_to_xml (attempt->guest, &error);
  if (error != NULL)
    *ret_cause =
        g_strdup_printf ("the guest cannot be given other devices: %s [gate.rewrite]", error->message);
  return error == NULL;
}

/* Tells of the devices that the guest gets in place of those its XML names. */
static void
tell_remapped (const Attempt *attempt)
{
  for (gsize i = 0; i < assessment_get_n_rows (attempt->assessment); i++)
    {
      AssessmentRow row = assessment_get_row (attempt->assessment, i);

      if (!row.remapped)
        continue;
      migrations_on_placed (attempt->gate->sources.migrations, attempt->uuid, row.alias, row.address);
      log_event (LOG_EVENT_REMAPPED,
                 &(LogContext){ .domain = attempt->domain, .uuid = attempt->uuid, .device = row.address },
                 "“%s” gets %s for its %s, in place of %s", attempt->domain, row.address, row.alias,
                 row.named);
    }
}

/* Gives the answer, once. @cause: (nullable): why not */
static void
conclude (Attempt *attempt, const char *cause)
{
  Gate *self = attempt->gate;
  g_autoptr (GTask) task = g_steal_pointer (&attempt->task);
  g_autofree char *new_xml = NULL;
  g_autofree char *unwritten = NULL;

  if (cause == NULL && !rewrite (attempt, &new_xml, &unwritten))
    cause = unwritten;
  assessment_stop (attempt->assessment);
  g_clear_pointer (&attempt->guest, accmig_domain_free);
  g_clear_handle_id (&attempt->timer, g_source_remove);
  g_hash_table_remove (self->attempts, attempt->uuid);
  if (cause != NULL)
    {
      reservations_withdraw (self->sources.reservations, attempt->uuid);
      migrations_on_gate (self->sources.migrations, attempt->uuid, FALSE, cause);
      refuse (task, attempt->domain, attempt->uuid, cause);
      peer_link_report_refusal (self->sources.link, &(PeerRefusal){ .domain = attempt->domain,
                                                                    .uuid = attempt->uuid,
                                                                    .token = attempt->token,
                                                                    .host = attempt->source,
                                                                    .cause = cause });
      return;
    }
  reservations_renew (self->sources.reservations, attempt->uuid);
  tell_remapped (attempt);
  migrations_on_gate (self->sources.migrations, attempt->uuid, TRUE, "");
  log_event (LOG_EVENT_ACCEPTED, &(LogContext){ .domain = attempt->domain, .uuid = attempt->uuid },
             "accepted “%s”", attempt->domain);
  allow_as (task, new_xml);
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

/* Returns: (transfer full) (nullable): why the guest cannot come, whichever devices it would get */
static char *
guest_cause (const AccmigVerdict *verdict)
{
  const AccmigFinding *finding = accmig_verdict_get_decisive (verdict);

  if (accmig_verdict_get_outcome (verdict) != ACCMIG_OUTCOME_INCOMPATIBLE)
    return NULL;
  return g_strdup_printf ("guest: %s [%s]", finding->sentence, finding->rule);
}

/* (nullable) (transfer full): why a hostdev stops the migration, as far as that is known */
static char *
find_refusal (const Attempt *attempt)
{
  for (gsize i = 0; i < assessment_get_n_rows (attempt->assessment); i++)
    {
      AssessmentRow row = assessment_get_row (attempt->assessment, i);

      if (row_refuses (attempt->gate, &row))
        return g_strdup_printf ("%s: %s [%s]", row.alias, row.sentence, row.rule);
    }
  return NULL;
}

static void
decide (Attempt *attempt)
{
  g_autofree char *unfit = guest_cause (assessment_get_guest (attempt->assessment));
  g_autofree char *cause = find_refusal (attempt);

  if (cause != NULL)
    {
      conclude (attempt, cause);
      return;
    }
  if (unfit != NULL)
    {
      conclude (attempt, unfit);
      return;
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
  g_autofree char *known = find_refusal (attempt); /* without any device's answer */

  attempt->timer = 0;
  if (known != NULL || !attempt->gate->policy.accept_on_agent_failure)
    {
      conclude (attempt, known != NULL ? known : cause);
      return G_SOURCE_REMOVE;
    }
  log_event (LOG_EVENT_POLICY, &(LogContext){ .domain = attempt->domain, .uuid = attempt->uuid },
             "“%s” is let through by policy all the same: %s", attempt->domain, cause);
  conclude (attempt, NULL);
  return G_SOURCE_REMOVE;
}

/* @domain: (transfer full) @task: (transfer full) */
static void
begin_attempt (Gate *self, AccmigDomain *domain, GTask *task)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->gate = self;
  attempt->domain = g_strdup (accmig_domain_get_name (domain));
  attempt->uuid = g_strdup (accmig_domain_get_uuid (domain));
  attempt->token = g_strdup (accmig_domain_get_token (domain));
  attempt->source = g_strdup (accmig_domain_get_host (domain));
  attempt->task = task;
  attempt->guest = domain;
  attempt->assessment = assessment_new (self->sources.assessment, attempt->domain, attempt->uuid);
  attempt->timer = g_timeout_add (answer_limit_msec (self), on_late, attempt);
  g_hash_table_insert (self->attempts, attempt->uuid, attempt);

  (void)migrations_announce (self->sources.migrations, domain);
  look (self);
  assessment_set_guest (attempt->assessment, accmig_domain_get_guest (domain));
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    assessment_add (attempt->assessment, accmig_domain_get_hostdev (domain, i));
  for (int node = 0; node < ACCMIG_DOMAIN_MAX_NODES; node++)
    if (accmig_domain_has_node (domain, node))
      assessment_add_node (attempt->assessment, node);
  assessment_run_async (attempt->assessment, on_assessed, attempt);
}

/* Refuses what is not looked into. @domain: (nullable): as far as it could be read */
static void
refuse_unseen (Gate *self, const GateQuestion *question, const AccmigDomain *domain, const char *cause,
               GTask *task)
{
  const char *uuid = domain != NULL ? accmig_domain_get_uuid (domain) : NULL;

  refuse (task, question->domain, uuid, cause);
  if (uuid != NULL)
    peer_link_report_refusal (self->sources.link, &(PeerRefusal){ .domain = question->domain,
                                                                  .uuid = uuid,
                                                                  .token = accmig_domain_get_token (domain),
                                                                  .host = accmig_domain_get_host (domain),
                                                                  .cause = cause });
}

/* Returns: (transfer full) (nullable): why a guest cannot come that has no device which could be placed here
 */
static char *
judge_without_hostdevs (const AccmigDomain *domain)
{
  g_autoptr (AccmigVerdict) verdict = accmig_guest_check (accmig_domain_get_guest (domain), NULL, 0);

  return guest_cause (verdict);
}

static void
ask_migrate (Gate *self, const GateQuestion *question, GTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) domain = accmig_domain_new_from_xml (question->xml, question->xml_length, &error);
  const char *uuid = domain != NULL ? accmig_domain_get_uuid (domain) : NULL;
  gboolean has_hostdevs = domain != NULL && accmig_domain_get_n_hostdevs (domain) > 0;
  g_autofree char *cause = NULL;

  if (domain == NULL)
    cause = g_strdup_printf ("%s [gate.xml]", error->message);
  else if (has_hostdevs && uuid == NULL)
    cause = g_strdup ("the domain XML has no UUID [gate.xml]");
  else if (uuid != NULL && g_hash_table_contains (self->attempts, uuid))
    cause = g_strdup ("another migration of this domain is being looked at [gate.twice]");
  else if (!has_hostdevs)
    cause = judge_without_hostdevs (domain);

  if (cause == NULL && !has_hostdevs)
    allow (task);
  else if (cause == NULL)
    begin_attempt (self, g_steal_pointer (&domain), g_object_ref (task));
  else
    refuse_unseen (self, question, domain, cause, task);
}

/* ---- everything else ---- */

static void
on_handed_over (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;

  handover_run_finish (result);
  allow (task);
}

/* What is left of a time that began then. */
static guint
left_msec (guint limit_msec, gint64 begin_usec)
{
  gint64 past_msec = (g_get_monotonic_time () - begin_usec) / 1000;

  return past_msec < limit_msec ? limit_msec - (guint)past_msec : 0;
}

/* @ask: whether devices are opened that QEMU is about to open; none is when the time is over
 * @begin_usec: monotonic, when the question came */
static void
hand_over (Gate *self, const AccmigDomain *domain, gboolean ask, gint64 begin_usec, GTask *task)
{
  const HandoverSources sources = { self->sources.registry, self->sources.prober,
                                    self->sources.reservations };
  guint left = left_msec (ask ? answer_limit_msec (self) : SETTLE_MSEC, begin_usec);

  handover_run_async (&sources, domain, ask && left > 0, left, on_handed_over, g_object_ref (task));
}

/* Whether a device of @domain is promised to another guest. What libvirt itself has given away it looks after
 * itself. @ret_cause: (transfer full) */
static gboolean
is_promised (const Gate *self, const AccmigDomain *domain, char **ret_cause)
{
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);
      Reservation reservation = { 0 };

      if (!reservations_lookup (self->sources.reservations, hostdev->address, &reservation)
          || reservation.held || g_str_equal (reservation.uuid, accmig_domain_get_uuid (domain)))
        continue;
      *ret_cause = g_strdup_printf ("%s: %s is reserved for domain “%s” [gate.reserved]", hostdev->alias,
                                    hostdev->address, reservation.domain);
      return TRUE;
    }
  return FALSE;
}

/* The last point at which a guest can be stopped before libvirt touches a device. */
static void
claim_devices (Gate *self, const AccmigDomain *domain, GTask *task)
{
  gint64 begin_usec = g_get_monotonic_time ();
  g_autofree char *cause = NULL;

  if (is_promised (self, domain, &cause))
    {
      refuse (task, accmig_domain_get_name (domain), accmig_domain_get_uuid (domain), cause);
      return;
    }
  if (self->policy.probe_at_start)
    look (self); /* what libvirt binds between now and "start" had no driver, or another, when we looked */
  hand_over (self, domain, FALSE, begin_usec, task);
}

/* libvirt has bound the drivers, and QEMU has not opened the devices. The hook's time runs while we look. */
static void
start_devices (Gate *self, const AccmigDomain *domain, GTask *task)
{
  gint64 begin_usec = g_get_monotonic_time ();

  if (self->policy.probe_at_start)
    look (self);
  hand_over (self, domain, self->policy.probe_at_start, begin_usec, task);
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
  { "prepare", claim_devices }, { "start", start_devices },     { "started", note_only },
  { "stopped", note_only },     { "release", release_devices },
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
