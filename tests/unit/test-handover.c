// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hand-over: which devices of a starting guest are opened before QEMU has them, and that the guest is not
 * kept from starting by it.
 *
 * The broker is a double, which the linker takes before the real client. It answers when the test says so.
 */

#include "accmigd/handover.h"

#include "mock-sysfs.h"

#define PF         "0000:75:00.0"
#define VF1        "0000:75:00.1"
#define VF2        "0000:75:00.2"
#define VF3        "0000:75:00.3"
#define DRIVER     "hisi_acc_vfio_pci"
#define UUID       "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define OTHER_UUID "c7a5fdbd-edaf-9455-926a-d65c16db1810"
#define LIMIT_MS   10000
#define SHORT_MS   20 /* a limit that a test waits for */

/* What the double was asked, and has not answered yet. */
static struct
{
  GPtrArray *pending; /* of GTask */
  GString *log;       /* addresses */
} script;

typedef struct
{
  MockSysfs *sysfs;
  Domains *domains;
  Reservations *reservations;
  Probes *probes;
  Registry *registry;
  Prober *prober;
  gboolean over; /* the last hand-over */
} Fixture;

/* ---- the broker ------------------------------------------------------------------------------- */

gboolean
broker_client_is_connected (const BrokerClient *client)
{
  return TRUE;
}

void
broker_client_probe_async (BrokerClient *client, const char *address, gsize match_size,
                           GAsyncReadyCallback callback, gpointer user)
{
  g_string_append_printf (script.log, "%s ", address);
  g_ptr_array_add (script.pending, g_task_new (NULL, NULL, callback, user));
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
  g_assert_not_reached ();
}

gboolean
broker_client_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error)
{
  g_assert_not_reached ();
}

void
broker_client_bind_async (BrokerClient *client, const char *address, const char *driver,
                          GAsyncReadyCallback callback, gpointer user)
{
  g_assert_not_reached ();
}

gboolean
broker_client_bind_finish (GAsyncResult *result, GError **error)
{
  g_assert_not_reached ();
}

static void
settle_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Answers the question that came first. @code: negative for a good answer */
static void
answer (int code)
{
  g_autoptr (GTask) task = NULL;

  g_assert_cmpuint (script.pending->len, >, 0);
  task = g_ptr_array_steal_index (script.pending, 0);
  if (code < 0)
    g_task_return_pointer (task, g_new0 (BrokerProbe, 1), (GDestroyNotify)broker_probe_free);
  else
    g_task_return_new_error (task, ACCMIG_ERROR, code, "as the test says");
  settle_loop ();
}

/* ---- the fixture ------------------------------------------------------------------------------ */

static void
on_device (const Device *device, gpointer user)
{
}

static void
on_reservations (gpointer user)
{
  Fixture *f = user;

  if (f->registry != NULL)
    registry_refresh (f->registry);
}

static void
on_expired (const char *uuid, gpointer user)
{
}

static void
look (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (registry_rescan (f->registry, &error));
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const ReservationCallbacks reservation_callbacks = { on_reservations, on_expired };
  static const RegistryCallbacks registry_callbacks = { on_device, on_device, on_device };
  RegistrySources sources = { 0 };

  script.pending = g_ptr_array_new_with_free_func (g_object_unref);
  script.log = g_string_new (NULL);
  f->sysfs = mock_sysfs_new ();
  mock_sysfs_add_pf (f->sysfs, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_vf (f->sysfs, PF, 0, VF1, 0xa256);
  mock_sysfs_add_vf (f->sysfs, PF, 1, VF2, 0xa256);
  mock_sysfs_add_vf (f->sysfs, PF, 2, VF3, 0xa256);
  mock_sysfs_bind (f->sysfs, VF1, DRIVER, TRUE);
  mock_sysfs_bind (f->sysfs, VF2, DRIVER, TRUE);
  f->domains = domains_new ();
  f->reservations = reservations_new (NULL, 60, &reservation_callbacks, f);
  f->probes = probes_open (NULL);
  sources = (RegistrySources){ mock_sysfs_get_fd (f->sysfs), f->domains, f->reservations, f->probes };
  f->registry = registry_new (&sources, &registry_callbacks, NULL);
  look (f);
  f->prober = prober_new (NULL, f->registry);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  prober_free (f->prober);
  g_clear_pointer (&f->registry, registry_free);
  probes_close (f->probes);
  reservations_free (f->reservations);
  domains_free (f->domains);
  mock_sysfs_free (f->sysfs);
  g_assert_cmpuint (script.pending->len, ==, 0);
  g_ptr_array_unref (script.pending);
  g_string_free (script.log, TRUE);
}

/* (transfer full): XML of a domain with all three VFs, and one that is not there */
static char *
make_xml (const char *name, const char *uuid)
{
  GString *xml = g_string_new (NULL);

  g_string_printf (xml, "<domain type='kvm'><name>%s</name><uuid>%s</uuid><devices>", name, uuid);
  for (int function = 1; function <= 4; function++)
    g_string_append_printf (xml,
                            "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                            "<address domain='0x0000' bus='0x75' slot='0x00' function='0x%d'/></source>"
                            "<alias name='hostdev%d'/></hostdev>",
                            function, function - 1);
  g_string_append (xml, "</devices></domain>");
  return g_string_free (xml, FALSE);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer user)
{
  Fixture *f = user;

  handover_run_finish (result);
  f->over = TRUE;
}

/* Hands the guest's devices over, and lets happen what needs no answer. */
static void
run (Fixture *f, gboolean ask, guint limit_msec)
{
  const HandoverSources sources = { f->registry, f->prober, f->reservations };
  g_autofree char *xml = make_xml ("vm", UUID);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) domain = accmig_domain_new_from_xml (xml, strlen (xml), &error);

  g_assert_no_error (error);
  f->over = FALSE;
  g_string_truncate (script.log, 0);
  handover_run_async (&sources, domain, ask, limit_msec, on_over, f);
  settle_loop ();
}

/* Hands them over once more, where every question is answered. */
static void
run_through (Fixture *f)
{
  run (f, TRUE, LIMIT_MS);
  while (script.pending->len > 0)
    answer (-1);
  g_assert_true (f->over);
}

/* ---- tests ------------------------------------------------------------------------------------ */

/* All that may tell something, all at once, and the guest waits for every one of them. */
static void
test_asked_together (Fixture *f, gconstpointer data)
{
  Reservation reservation = { 0 };

  run (f, TRUE, LIMIT_MS);
  g_assert_cmpstr (script.log->str, ==, VF1 " " VF2 " ");
  g_assert_true (reservations_lookup (f->reservations, VF3, &reservation));
  g_assert_true (reservation.held);
  g_assert_cmpstr (reservation.uuid, ==, UUID);
  answer (-1);
  g_assert_false (f->over);
  answer (-1);
  g_assert_true (f->over);
  g_assert_true (device_is_probed (registry_lookup (f->registry, VF1)));
}

static void
test_not_wanted (Fixture *f, gconstpointer data)
{
  Reservation reservation = { 0 };

  run (f, FALSE, LIMIT_MS);
  g_assert_cmpstr (script.log->str, ==, "");
  g_assert_true (f->over);
  g_assert_true (reservations_lookup (f->reservations, VF1, &reservation) && reservation.held);
}

/* One on its native driver is the host's, and the driver that fits every device has nothing to tell. */
static void
test_drivers (Fixture *f, gconstpointer data)
{
  mock_sysfs_bind (f->sysfs, VF1, "hisi_sec2", FALSE);
  mock_sysfs_bind (f->sysfs, VF2, "vfio-pci", TRUE);
  look (f);
  run (f, TRUE, LIMIT_MS);
  g_assert_cmpstr (script.log->str, ==, "");
  g_assert_true (f->over);
}

/* Once for each binding, however often the guest starts. */
static void
test_once_a_binding (Fixture *f, gconstpointer data)
{
  run_through (f);
  g_assert_cmpstr (script.log->str, ==, VF1 " " VF2 " ");
  run_through (f);
  g_assert_cmpstr (script.log->str, ==, "");

  mock_sysfs_unbind (f->sysfs, VF2);
  look (f);
  mock_sysfs_bind (f->sysfs, VF2, DRIVER, TRUE);
  look (f);
  run_through (f);
  g_assert_cmpstr (script.log->str, ==, VF2 " ");
}

/* What could not be asked while it was free may be by now; what never can is left alone. */
static void
test_failed_before (Fixture *f, gconstpointer data)
{
  prober_sweep (f->prober);
  answer (ACCMIG_ERROR_IO);
  answer (ACCMIG_ERROR_UNSUPPORTED);
  run_through (f);
  g_assert_cmpstr (script.log->str, ==, VF1 " ");
}

/* libvirt cannot mean it. */
static void
test_in_use (Fixture *f, gconstpointer data)
{
  g_autofree char *xml = make_xml ("other", OTHER_UUID);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (domains_update (f->domains, OTHER_UUID, xml, FALSE, &error));
  g_assert_no_error (error);
  registry_refresh (f->registry);
  run (f, TRUE, LIMIT_MS);
  g_assert_cmpstr (script.log->str, ==, "");
  g_assert_true (f->over);
}

/* However many there are, it is one line, and the guest starts. */
static void
test_failure (Fixture *f, gconstpointer data)
{
  run (f, TRUE, LIMIT_MS);
  answer (ACCMIG_ERROR_BUSY);
  g_test_expect_message ("accmig", G_LOG_LEVEL_MESSAGE,
                         "2 devices of a guest that starts could not be asked, the first of them " VF1
                         ": as the test says");
  answer (ACCMIG_ERROR_IO);
  g_test_assert_expected_messages ();
  g_assert_true (f->over);
  run_through (f);
  g_assert_cmpstr (script.log->str, ==, VF1 " " VF2 " ");
}

/* The guest does not wait longer than it may, and what comes late is not lost. */
static void
test_limit (Fixture *f, gconstpointer data)
{
  run (f, TRUE, SHORT_MS);
  answer (-1);
  g_test_expect_message ("accmig", G_LOG_LEVEL_WARNING, "a device is still open here*");
  while (!f->over)
    g_main_context_iteration (NULL, TRUE);
  g_test_assert_expected_messages ();
  g_assert_false (device_is_probed (registry_lookup (f->registry, VF2)));
  answer (-1);
  g_assert_true (device_is_probed (registry_lookup (f->registry, VF2)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/handover/asked-together", Fixture, NULL, set_up, test_asked_together, tear_down);
  g_test_add ("/handover/not-wanted", Fixture, NULL, set_up, test_not_wanted, tear_down);
  g_test_add ("/handover/drivers", Fixture, NULL, set_up, test_drivers, tear_down);
  g_test_add ("/handover/once-a-binding", Fixture, NULL, set_up, test_once_a_binding, tear_down);
  g_test_add ("/handover/failed-before", Fixture, NULL, set_up, test_failed_before, tear_down);
  g_test_add ("/handover/in-use", Fixture, NULL, set_up, test_in_use, tear_down);
  g_test_add ("/handover/failure", Fixture, NULL, set_up, test_failure, tear_down);
  g_test_add ("/handover/limit", Fixture, NULL, set_up, test_limit, tear_down);
  return g_test_run ();
}
