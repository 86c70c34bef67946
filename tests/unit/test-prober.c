// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prober: which failures of its sweep pass, and who has a device when several want it.
 *
 * The broker is a double, which the linker takes before the real client.
 */

#include "accmigd/prober.h"

#include "mock-sysfs.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define PF       "0000:75:00.0"
#define VF       "0000:75:00.1"
#define LIMIT_MS 10000

/* What the double answers, and what it was asked. */
static struct
{
  gboolean fails;
  AccmigError code;
  guint asked;
  gboolean holds; /* answers wait in pending, of GTask, … */
  GPtrArray *pending;
  GString *log; /* … and this says for what */
} script;

typedef struct
{
  MockSysfs *sysfs;
  Domains *domains;
  Reservations *reservations;
  Probes *probes;
  Registry *registry;
  Prober *prober;
} Fixture;

gboolean
broker_client_is_connected (const BrokerClient *client)
{
  return TRUE;
}

void
broker_client_probe_async (BrokerClient *client, const char *address, gsize match_size,
                           GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  g_assert_cmpstr (address, ==, VF);
  script.asked++;
  g_string_append (script.log, "probe ");
  if (script.holds)
    g_ptr_array_add (script.pending, g_steal_pointer (&task));
  else if (script.fails)
    g_task_return_new_error (task, ACCMIG_ERROR, (int)script.code, "as the test says");
  else
    g_task_return_pointer (task, g_new0 (BrokerProbe, 1), (GDestroyNotify)broker_probe_free);
}

BrokerProbe *
broker_client_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
broker_probe_free (BrokerProbe *probe)
{
  g_free (probe);
}

void
broker_client_trial_async (BrokerClient *client, const char *address, GBytes *match,
                           GAsyncReadyCallback callback, gpointer user)
{
  g_string_append_printf (script.log, "trial-%.*s ", (int)g_bytes_get_size (match),
                          (const char *)g_bytes_get_data (match, NULL));
  g_ptr_array_add (script.pending, g_task_new (NULL, NULL, callback, user));
}

gboolean
broker_client_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error)
{
  g_autofree BrokerTrial *trial = g_task_propagate_pointer (G_TASK (result), error);

  if (trial == NULL)
    return FALSE;
  *ret_trial = *trial;
  return TRUE;
}

void
broker_client_bind_async (BrokerClient *client, const char *address, const char *driver,
                          GAsyncReadyCallback callback, gpointer user)
{
  g_string_append_printf (script.log, "bind-%s ", driver);
  g_ptr_array_add (script.pending, g_task_new (NULL, NULL, callback, user));
}

gboolean
broker_client_bind_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_device (const Device *device, gpointer user)
{
}

static void
on_reservations (gpointer user)
{
}

static void
on_expired (const char *uuid, gpointer user)
{
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const ReservationCallbacks reservation_callbacks = { on_reservations, on_expired };
  static const RegistryCallbacks registry_callbacks = { on_device, on_device, on_device };
  RegistrySources sources = { 0 };
  g_autoptr (GError) error = NULL;

  script.asked = 0;
  script.fails = script.holds = FALSE;
  script.pending = g_ptr_array_new_with_free_func (g_object_unref);
  script.log = g_string_new (NULL);
  f->sysfs = mock_sysfs_new ();
  mock_sysfs_add_pf (f->sysfs, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_vf (f->sysfs, PF, 0, VF, 0xa256);
  mock_sysfs_bind (f->sysfs, VF, "hisi_acc_vfio_pci", TRUE);
  f->domains = domains_new ();
  f->reservations = reservations_new (NULL, 60, &reservation_callbacks, NULL);
  f->probes = probes_open (NULL);
  sources = (RegistrySources){ mock_sysfs_get_fd (f->sysfs), f->domains, f->reservations, f->probes };
  f->registry = registry_new (&sources, &registry_callbacks, NULL);
  g_assert_true (registry_rescan (f->registry, &error));
  g_assert_no_error (error);
  f->prober = prober_new (NULL, f->registry);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  prober_free (f->prober);
  registry_free (f->registry);
  probes_close (f->probes);
  reservations_free (f->reservations);
  domains_free (f->domains);
  mock_sysfs_free (f->sysfs);
  g_assert_cmpuint (script.pending->len, ==, 0);
  g_ptr_array_unref (script.pending);
  g_string_free (script.log, TRUE);
}

static void
sweep (Fixture *f)
{
  prober_sweep (f->prober);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* What may pass is tried again, once each time that it is given back, and probed when it has passed. */
static void
test_passing (Fixture *f, gconstpointer data)
{
  static const AccmigError codes[] = { ACCMIG_ERROR_BUSY, ACCMIG_ERROR_LIMIT, ACCMIG_ERROR_IO };

  script.fails = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      script.code = codes[i];
      sweep (f);
      sweep (f);
      g_assert_cmpuint (script.asked, ==, i + 1);
      g_assert_true (registry_resume (f->registry));
    }
  script.fails = FALSE;
  sweep (f);
  g_assert_cmpuint (script.asked, ==, G_N_ELEMENTS (codes) + 1);
  g_assert_true (device_is_probed (registry_lookup (f->registry, VF)));
  g_assert_false (registry_resume (f->registry));
}

/* What cannot be done is not tried again, and says nothing of the device. */
static void
test_unsupported (Fixture *f, gconstpointer data)
{
  script.fails = TRUE;
  script.code = ACCMIG_ERROR_UNSUPPORTED;
  sweep (f);
  g_assert_false (registry_resume (f->registry));
  sweep (f);
  g_assert_cmpuint (script.asked, ==, 1);
  g_assert_false (device_is_probed (registry_lookup (f->registry, VF)));
}

/* Somebody else probed it meanwhile. */
static void
test_probed_meanwhile (Fixture *f, gconstpointer data)
{
  const AccmigProbe probe = { .known = TRUE, .flags = 5 };
  g_autoptr (GError) error = NULL;

  script.fails = TRUE;
  script.code = ACCMIG_ERROR_BUSY;
  sweep (f);
  g_assert_true (registry_set_probe (f->registry, VF, &probe, &error));
  g_assert_no_error (error);
  (void)registry_resume (f->registry);
  sweep (f);
  g_assert_cmpuint (script.asked, ==, 1);
}

/* A guest's device was looked at, so that its flags are known; its match data are not. */
static void
test_only_flags_known (Fixture *f, gconstpointer data)
{
  script.fails = TRUE;
  script.code = ACCMIG_ERROR_BUSY;
  sweep (f);
  registry_set_flags (f->registry, VF, 5);
  script.fails = FALSE;
  g_assert_true (registry_resume (f->registry));
  sweep (f);
  g_assert_cmpuint (script.asked, ==, 2);
}

/* The same driver, but bound anew: perhaps with other parameters. */
static void
test_bound_anew (Fixture *f, gconstpointer data)
{
  sweep (f);
  sweep (f);
  g_assert_cmpuint (script.asked, ==, 1);
  registry_renew (f->registry, VF);
  registry_renew (f->registry, "0000:75:00.7"); /* not here */
  sweep (f);
  g_assert_cmpuint (script.asked, ==, 2);
}

/* ---- turns ---- */

/* How one request ended. */
typedef struct
{
  const char *name;
  GString *ends; /* of all of them, in order */
} Request;

static void
on_end (Request *request, gboolean ok, const GError *error)
{
  g_string_append_printf (request->ends, "%s%s ", request->name, ok ? "" : "!");
  if (!ok)
    g_assert_nonnull (error);
}

static void
on_probe_end (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = prober_probe_finish (result, &error);

  on_end (user, ok, error);
}

static void
on_trial_end (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GError) error = NULL;
  BrokerTrial trial = { 0 };
  gboolean ok = prober_trial_finish (result, &trial, &error);

  g_assert_cmpstr (trial.refusal, ==, ok ? "EFAULT" : "");
  on_end (user, ok, error);
}

static void
on_bind_end (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = prober_bind_finish (result, &error);

  on_end (user, ok, error);
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer user)
{
  on_end (user, prober_settle_finish (result), NULL);
}

static gpointer
new_answer (void)
{
  BrokerTrial trial = { FALSE, "EFAULT" };

  return g_memdup2 (&trial, sizeof trial);
}

/* The broker answers the one question it was asked; @answer is NULL for "no". */
static void
answer (gpointer value, GDestroyNotify free_value)
{
  g_autoptr (GTask) task = NULL;

  g_assert_cmpuint (script.pending->len, ==, 1);
  task = g_ptr_array_steal_index (script.pending, 0);
  if (value != NULL)
    g_task_return_pointer (task, value, free_value);
  else
    g_task_return_new_error (task, ACCMIG_ERROR, ACCMIG_ERROR_IO, "as the test says");
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* One at a time, in the order of asking; probes that come together are one. */
static void
test_turns (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) match = g_bytes_new_static ("x", 1);
  Request probe1 = { "probe1", ends }, probe2 = { "probe2", ends }, probe3 = { "probe3", ends };
  Request trial1 = { "trial1", ends }, trial2 = { "trial2", ends }, bind = { "bind", ends };

  script.holds = TRUE;
  prober_probe_async (f->prober, VF, on_probe_end, &probe1);
  prober_trial_async (f->prober, VF, match, on_trial_end, &trial1);
  prober_probe_async (f->prober, VF, on_probe_end, &probe2); /* joins the first */
  prober_bind_async (f->prober, VF, "driver", on_bind_end, &bind);
  prober_trial_async (f->prober, VF, match, on_trial_end, &trial2);
  g_assert_cmpstr (script.log->str, ==, "probe ");

  answer (g_new0 (BrokerProbe, 1), (GDestroyNotify)broker_probe_free);
  g_assert_cmpstr (ends->str, ==, "probe1 probe2 ");
  g_assert_cmpstr (script.log->str, ==, "probe trial-x ");
  prober_probe_async (f->prober, VF, on_probe_end, &probe3); /* behind those who wait */

  answer (new_answer (), g_free);
  answer (GINT_TO_POINTER (TRUE), NULL);
  answer (NULL, NULL);
  g_assert_cmpstr (script.log->str, ==, "probe trial-x bind-driver trial-x probe ");
  g_assert_cmpstr (ends->str, ==, "probe1 probe2 trial1 bind trial2! ");
  answer (NULL, NULL);
  g_assert_cmpstr (ends->str, ==, "probe1 probe2 trial1 bind trial2! probe3! ");
}

/* QEMU gets the device when whoever has it is done; whoever waits for it, or comes then, does not. */
static void
test_settle_goes_first (Fixture *f, gconstpointer data)
{
  static const char *const addresses[] = { VF, NULL };
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) match = g_bytes_new_static ("x", 1);
  Request probe = { "probe", ends }, trial = { "trial", ends }, bind = { "bind", ends };
  Request settle = { "settle", ends }, late = { "late", ends };

  script.holds = TRUE;
  prober_probe_async (f->prober, VF, on_probe_end, &probe);
  prober_trial_async (f->prober, VF, match, on_trial_end, &trial);
  prober_settle_async (f->prober, addresses, LIMIT_MS, on_settled, &settle);
  prober_bind_async (f->prober, VF, "driver", on_bind_end, &bind);
  answer (g_new0 (BrokerProbe, 1), (GDestroyNotify)broker_probe_free);
  g_assert_cmpstr (ends->str, ==, "bind! trial! probe settle ");
  g_assert_cmpstr (script.log->str, ==, "probe ");

  prober_trial_async (f->prober, VF, match, on_trial_end, &late); /* that is over */
  answer (new_answer (), g_free);
  g_assert_cmpstr (ends->str, ==, "bind! trial! probe settle late ");
}

/* Behind a save or a load nobody waits. */
static void
test_turns_busy (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) match = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;
  Request probe = { "probe", ends }, trial = { "trial", ends }, bind = { "bind", ends };

  g_assert_true (prober_begin_use (f->prober, VF, &error));
  prober_probe_async (f->prober, VF, on_probe_end, &probe);
  prober_trial_async (f->prober, VF, match, on_trial_end, &trial);
  prober_bind_async (f->prober, VF, "driver", on_bind_end, &bind);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (ends->str, ==, "probe! trial! bind! ");
  prober_end_use (f->prober, VF);
  g_assert_cmpstr (script.log->str, ==, "");
}

/* A device that goes while somebody waits for it. */
static void
test_turns_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) ends = g_string_new (NULL);
  g_autoptr (GBytes) match = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;
  Request probe = { "probe", ends }, trial = { "trial", ends };

  script.holds = TRUE;
  prober_probe_async (f->prober, VF, on_probe_end, &probe);
  prober_trial_async (f->prober, VF, match, on_trial_end, &trial);
  mock_sysfs_remove (f->sysfs, "bus/pci/devices/" VF);
  g_assert_true (registry_rescan (f->registry, &error));
  answer (NULL, NULL);
  g_assert_cmpstr (ends->str, ==, "trial! probe! ");
  g_assert_cmpstr (script.log->str, ==, "probe ");
}

/* ---- the registry ---- */

static const char *
get_member (const Fixture *f, const char *path)
{
  return accmig_profile_get_string (device_get_profile (registry_lookup (f->registry, VF)), path);
}

/* What libvirt tells comes later than the device, and may be taken back. */
static void
test_host (Fixture *f, gconstpointer data)
{
  g_autofree char *before = g_strdup (device_get_digest (registry_lookup (f->registry, VF)));

  g_assert_null (get_member (f, "host.qemu"));
  registry_set_host (f->registry, &(AccmigHost){ .qemu = "10.0.13", .libvirt = "11.3.0" });
  g_assert_cmpstr (get_member (f, "host.qemu"), ==, "10.0.13");
  g_assert_cmpstr (get_member (f, "host.libvirt"), ==, "11.3.0");
  g_assert_cmpstr (device_get_digest (registry_lookup (f->registry, VF)), !=, before);
  registry_set_host (f->registry, &(AccmigHost){ NULL });
  g_assert_cmpstr (device_get_digest (registry_lookup (f->registry, VF)), ==, before);
}

/* What an agent that is started next knows of the VF. */
static gboolean
next_agent_knows (Fixture *f, const char *path)
{
  g_autoptr (Probes) probes = probes_open (path);
  AccmigProbe probe;

  return probes_lookup (probes, device_get_info (registry_lookup (f->registry, VF)), &probe);
}

/* A VF of the same address may be another one's by then. */
static void
test_forgotten_for_good (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("accmig-probes-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "probes.json", NULL);
  g_autoptr (Probes) probes = probes_open (path);

  g_assert_true (probes_store (probes, device_get_info (registry_lookup (f->registry, VF)),
                               &(AccmigProbe){ .known = TRUE, .flags = 5 }, &error));
  g_assert_true (next_agent_knows (f, path));
  probes_forget (probes, VF);
  g_assert_true (probes_save (probes, &error));
  g_assert_no_error (error);
  g_assert_false (next_agent_knows (f, path));
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/prober/passing", Fixture, NULL, set_up, test_passing, tear_down);
  g_test_add ("/prober/unsupported", Fixture, NULL, set_up, test_unsupported, tear_down);
  g_test_add ("/prober/probed-meanwhile", Fixture, NULL, set_up, test_probed_meanwhile, tear_down);
  g_test_add ("/prober/only-flags-known", Fixture, NULL, set_up, test_only_flags_known, tear_down);
  g_test_add ("/prober/bound-anew", Fixture, NULL, set_up, test_bound_anew, tear_down);
  g_test_add ("/prober/turns", Fixture, NULL, set_up, test_turns, tear_down);
  g_test_add ("/prober/settle-goes-first", Fixture, NULL, set_up, test_settle_goes_first, tear_down);
  g_test_add ("/prober/turns-busy", Fixture, NULL, set_up, test_turns_busy, tear_down);
  g_test_add ("/prober/turns-gone", Fixture, NULL, set_up, test_turns_gone, tear_down);
  g_test_add ("/probes/forgotten-for-good", Fixture, NULL, set_up, test_forgotten_for_good, tear_down);
  g_test_add ("/registry/host", Fixture, NULL, set_up, test_host, tear_down);
  return g_test_run ();
}
