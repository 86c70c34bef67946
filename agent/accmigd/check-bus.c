// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking before, for org.accmig1.Manager
 *
 * Holding a description against this host is a read, open to everybody on the bus. A trial is more: it opens
 * free devices, which resets them, and writes to them; so that needs the permission to load a state.
 */

#include "assessment.h"
#include "common/text.h"
#include "description.h"
#include "polkit.h"
#include "system-bus-private.h"

/* One call that waits for an assessment. */
typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
  Assessment *assessment;
} Check;

static void
check_free (Check *check)
{
  system_bus_end_wait (check->bus);
  sd_bus_message_unref (check->call);
  assessment_unref (check->assessment);
  g_free (check);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Check, check_free)

static void
on_assessed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Check) check = user;
  g_autofree char *report = NULL;

  assessment_run_finish (result);
  report = assessment_to_json (check->assessment);
  (void)sd_bus_reply_method_return (check->call, "s", report);
}

/* Returns: 1 when the call is answered later */
static int
begin (SystemBus *self, sd_bus_message *m, const char *text, gboolean trial, sd_bus_error *ret_error)
{
  AssessmentSources sources = *self->sources.assessment;
  g_autoptr (Description) description = NULL;
  g_autoptr (GError) error = NULL;
  Check *check = NULL;

  description = description_new_from_json (text, &error);
  if (description == NULL)
    return bus_error_set (ret_error, error);
  if (!system_bus_begin_wait (self, ret_error))
    return -EBUSY;
  sources.trial = trial;
  check = g_new0 (Check, 1);
  check->bus = self;
  check->call = sd_bus_message_ref (m);
  check->assessment = assessment_new (&sources, description_get_name (description), NULL);
  assessment_set_guest (check->assessment, description_get_guest (description));
  for (gsize i = 0; i < description_get_n_hostdevs (description); i++)
    assessment_add (check->assessment, description_get_hostdev (description, i));
  for (gsize i = 0; i < description_get_n_nodes (description); i++)
    assessment_add_node (check->assessment, description_get_node (description, i));
  assessment_run_async (check->assessment, on_assessed, check);
  return 1;
}

int
check_bus_domain (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *text = NULL;
  int r = sd_bus_message_read (m, "s", &text);

  return r < 0 ? r : begin (user, m, text, FALSE, ret_error);
}

/* What was asked for is known and allowed: the call is read once more. */
static void
on_may_try (sd_bus_message *m, uid_t caller, gpointer user)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  const char *text = NULL;
  int r = sd_bus_message_rewind (m, TRUE);

  if (r >= 0)
    r = sd_bus_message_read (m, "s", &text);
  if (r >= 0)
    r = begin (user, m, text, TRUE, &error);
  if (r < 0)
    (void)sd_bus_reply_method_errno (m, r, &error);
}

static int
read_option (sd_bus_message *m, gboolean *ret_trial, sd_bus_error *ret_error)
{
  const char *name = NULL;
  int value = 0;
  int r = sd_bus_message_read (m, "s", &name);

  if (r < 0)
    return r;
  if (!g_str_equal (name, "trial"))
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Invalid"), "there is no option “%.*s”",
                              text_quotable (name), name);
  r = sd_bus_message_read (m, "v", "b", &value);
  if (r < 0)
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Invalid"), "the option “trial” is no boolean");
  *ret_trial = value != 0;
  return 0;
}

static int
read_options (sd_bus_message *m, gboolean *ret_trial, sd_bus_error *ret_error)
{
  int r = sd_bus_message_enter_container (m, 'a', "{sv}");

  while (r >= 0 && (r = sd_bus_message_enter_container (m, 'e', "sv")) > 0)
    {
      r = read_option (m, ret_trial, ret_error);
      if (r >= 0)
        r = sd_bus_message_exit_container (m);
    }
  return r;
}

int
check_bus_domain_with (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *text = NULL;
  gboolean trial = FALSE;
  int r = sd_bus_message_read (m, "s", &text);

  if (r >= 0)
    r = read_options (m, &trial, ret_error);
  if (r < 0)
    return r;
  if (!trial)
    return begin (user, m, text, FALSE, ret_error);
  polkit_authorize (m, ACCMIG_ACTION_LOAD, on_may_try, user);
  return 1;
}
