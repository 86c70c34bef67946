// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Evidence
 *
 * The gate's own rules are held against what the driver was given. It passed the gate, or never came to it;
 * either way the rules say what the errno of the driver does not.
 */

#include "evidence.h"

#include "log.h"
#include "migf-data.h"

#include <string.h>

/* The family whose driver keeps what it was given. */
#define FAMILY "hisi_acc"

struct _Evidence
{
  BrokerClient *broker;
  const Registry *registry;
  Migrations *migrations;
};

/* One device of one migration that failed. */
typedef struct
{
  Evidence *owner;
  char *uuid;
  char *address;
} Question;

static void
question_free (Question *question)
{
  g_free (question->uuid);
  g_free (question->address);
  g_free (question);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

Evidence *
evidence_new (BrokerClient *broker, const Registry *registry, Migrations *migrations)
{
  Evidence *self = g_new0 (Evidence, 1);

  self->broker = broker;
  self->registry = registry;
  self->migrations = migrations;
  return self;
}

void
evidence_free (Evidence *self)
{
  g_free (self);
}

/* ---- what it says ---- */

/* (nullable): what the value is called that a rule of the family is about */
static const char *
find_what (const char *family_name, const char *rule_id)
{
  const char *const names[] = { family_name, "generic" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), names[i]);

      for (gsize j = 0; family != NULL && j < accmig_family_get_n_rules (family); j++)
        if (g_str_equal (accmig_family_get_rule (family, j)->id, rule_id))
          return accmig_family_get_rule (family, j)->what;
    }
  return NULL;
}

/* Adds what a finding says, if it refuses and the two sides say different things. */
static void
add_difference (GString *sentence, const AccmigProfile *target, const AccmigFinding *finding)
{
  const char *what = find_what (accmig_profile_get_family (target), finding->rule);

  if (finding->severity != ACCMIG_SEVERITY_REFUSE || what == NULL
      || g_str_equal (finding->source_value, finding->target_value))
    return;
  g_string_append_printf (sentence, "%s%s %s, %s has %s", sentence->len == 0 ? "the driver was given " : "; ",
                          what, finding->source_value, accmig_profile_get_address (target),
                          finding->target_value);
}

char *
evidence_explain (const AccmigProfile *target, const char *text, gsize length, GError **error)
{
  gsize size = accmig_profile_match_size (accmig_profile_get_family (target));
  g_autofree guint8 *match = g_malloc0 (MAX (size, 1));
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (AccmigVerdict) verdict = NULL;
  g_autoptr (GString) sentence = g_string_new (NULL);

  if (!g_str_equal (accmig_profile_get_family (target), FAMILY))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED,
                   "drivers of the family %s leave no evidence", accmig_profile_get_family (target));
      return NULL;
    }
  if (!migf_data_parse (text, length, match, size, error))
    return NULL;
  source = accmig_profile_new_from_match (target, match, size, error);
  if (source == NULL)
    return NULL;
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    add_difference (sentence, target, accmig_verdict_get_finding (verdict, i));
  return sentence->len > 0 ? g_string_free (g_steal_pointer (&sentence), FALSE) : NULL;
}

/* ---- asking for it ---- */

/* (nullable): the profile of a device whose driver may have kept something */
static const AccmigProfile *
find_profile (const Evidence *self, const char *address)
{
  const Device *device = registry_lookup (self->registry, address);
  const AccmigProfile *profile = device != NULL ? device_get_profile (device) : NULL;

  return profile != NULL && g_str_equal (accmig_profile_get_family (profile), FAMILY) ? profile : NULL;
}

/* No answer, and an empty one, leave the cause as it is. That a guest has the device, still or again, is no
 * news either. */
static void
on_answer (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Question) question = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = broker_client_evidence_finish (result, &error);
  const AccmigProfile *target = NULL;
  g_autofree char *sentence = NULL;

  if (text != NULL && g_bytes_get_size (text) > 0)
    target = find_profile (question->owner, question->address);
  if (target != NULL)
    sentence = evidence_explain (target, g_bytes_get_data (text, NULL), g_bytes_get_size (text), &error);
  if (sentence != NULL)
    migrations_on_evidence (question->owner->migrations, question->uuid, sentence);
  else if (error != NULL)
    g_debug ("%s leaves no evidence: %s", question->address, error->message);
}

void
evidence_look_for (Evidence *self, const char *uuid, const char *address)
{
  Question *question = NULL;

  if (find_profile (self, address) == NULL)
    return;
  question = g_new0 (Question, 1);
  question->owner = self;
  question->uuid = g_strdup (uuid);
  question->address = g_strdup (address);
  broker_client_evidence_async (self->broker, address, on_answer, question);
}
