// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prober's sweep: which failures pass.
 *
 * The broker is a double, which the linker takes before the real client.
 */

#include "accmigd/prober.h"

#include "mock-sysfs.h"

#include <unistd.h>

#define PF       "0000:75:00.0"
#define VF       "0000:75:00.1"
#define LIMIT_MS 10000

/* What the double answers, and how often it was asked. */
static struct
{
  gboolean fails;
  AccmigError code;
  guint asked;
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
  if (script.fails)
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
  f->sysfs = mock_sysfs_new ();
  mock_sysfs_add_pf (f->sysfs, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_vf (f->sysfs, PF, 0, VF, 0xa256);
  mock_sysfs_bind (f->sysfs, VF, "hisi_acc_vfio_pci", TRUE);
  f->domains = domains_new ();
  f->reservations = reservations_new (60, &reservation_callbacks, NULL);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/prober/passing", Fixture, NULL, set_up, test_passing, tear_down);
  g_test_add ("/prober/unsupported", Fixture, NULL, set_up, test_unsupported, tear_down);
  g_test_add ("/prober/probed-meanwhile", Fixture, NULL, set_up, test_probed_meanwhile, tear_down);
  return g_test_run ();
}
