// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Jobs: figures that come late.
 *
 * libvirt's answers and the migrations they go to are doubles, which the linker takes before the real ones.
 */

#include "accmigd/jobs.h"

#define UUID     "11111111-1111-4111-8111-111111111111"
#define LIMIT_MS 20000

/* What the doubles do, and have seen. */
static struct
{
  guint empty;  /* answers without figures that come first */
  guint failed; /* answers that are errors, before those */
  guint asked, told;
  HypervisorJob last;
} script;

gboolean
hypervisor_is_connected (const Hypervisor *hypervisor)
{
  return TRUE;
}

void
hypervisor_job_async (Hypervisor *hypervisor, const char *uuid, gboolean completed,
                      GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  g_assert_cmpstr (uuid, ==, UUID);
  g_assert_true (completed);
  script.asked++;
  g_task_return_boolean (task, TRUE);
}

gboolean
hypervisor_job_finish (Hypervisor *hypervisor, GAsyncResult *result, HypervisorJob *ret_job, GError **error)
{
  if (script.failed > 0)
    {
      script.failed--;
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "as the test says");
      return FALSE;
    }
  *ret_job = (HypervisorJob){ .downtime_ms = script.empty > 0 ? -1 : 141, .elapsed_ms = -1 };
  script.empty -= script.empty > 0 ? 1 : 0;
  return TRUE;
}

gsize
migrations_size (const Migrations *migrations)
{
  return 0;
}

const Migration *
migrations_get (const Migrations *migrations, gsize index)
{
  g_assert_not_reached ();
}

void
migrations_on_job (Migrations *migrations, const char *uuid, const HypervisorJob *job, gboolean completed)
{
  g_assert_true (completed);
  script.told++;
  script.last = *job;
}

static gboolean
on_limit (gpointer user)
{
  g_error ("nothing was told for %d ms", LIMIT_MS);
  return G_SOURCE_REMOVE;
}

/* They are told once they are there, and then nobody is asked any more: nothing is left to wake up for. */
static void
test_late_figures (void)
{
  Jobs *jobs = jobs_new (NULL, NULL);
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);

  script.failed = 1;
  script.empty = 1;
  jobs_ask (jobs, UUID, TRUE);
  while (script.told == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (script.asked, ==, 3);
  g_assert_cmpint (script.last.downtime_ms, ==, 141);

  g_source_remove (limit);
  while (g_main_context_find_source_by_user_data (NULL, jobs) != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (script.asked, ==, 3);
  g_assert_cmpuint (script.told, ==, 1);
  jobs_free (jobs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jobs/late-figures", test_late_figures);
  return g_test_run ();
}
