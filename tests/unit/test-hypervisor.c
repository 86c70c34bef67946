// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to libvirt, against libvirt's own test driver: real calls and real events, but no migration.
 *
 * The driver keeps one world per process, so a second connection of the test itself can move the domain
 * "test" about and the Hypervisor hears of it.
 */

#include "hypervisor/hypervisor-private.h"

#include <string.h>

#define URI            "test:///default"
#define DOMAIN_NAME    "test"
#define EVENT_LIMIT_MS 10000
#define METADATA       "<devices xmlns='urn:accmig:1' token='0123456789abcdef'/>"

/* A name that looks like a UUID, and is the UUID of no domain. */
#define UUID_NAME "00000000-0000-4000-8000-000000000001"

typedef struct
{
  Hypervisor *hypervisor;
  virConnectPtr other;               /* the hand that moves the domain */
  char uuid[VIR_UUID_STRING_BUFLEN]; /* of the domain */
  guint connected, disconnected, qemu_events;
  GArray *events; /* Lifecycle */
  GAsyncResult *result;
} Fixture;

/* A double, which the linker takes before libvirt's: how many connections are found broken from now on. */
static guint n_stillborn;

int
virConnectIsAlive (virConnectPtr conn)
{
  if (n_stillborn == 0)
    return 1;
  n_stillborn--;
  return 0;
}

/* Doubles again: what the test driver passes for, and the versions it tells then; 0: it cannot. */
static const char *type;
static unsigned long qemu_version, libvirt_version;

const char *
virConnectGetType (virConnectPtr conn)
{
  return type;
}

int
virConnectGetVersion (virConnectPtr conn, unsigned long *version)
{
  *version = qemu_version;
  return qemu_version != 0 ? 0 : -1;
}

int
virConnectGetLibVersion (virConnectPtr conn, unsigned long *version)
{
  *version = libvirt_version;
  return libvirt_version != 0 ? 0 : -1;
}

static gboolean
on_limit (gpointer user)
{
  g_error ("nothing has happened for %d ms", EVENT_LIMIT_MS);
  return G_SOURCE_REMOVE;
}

static void
iterate (void)
{
  guint limit = g_timeout_add (EVENT_LIMIT_MS, on_limit, NULL);

  g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
}

static void
on_connected (gpointer user)
{
  Fixture *f = user;

  f->connected++;
}

static void
on_disconnected (gpointer user)
{
  Fixture *f = user;

  f->disconnected++;
}

static void
on_lifecycle (const char *uuid, const char *name, Lifecycle event, gpointer user)
{
  Fixture *f = user;

  g_assert_cmpstr (name, ==, DOMAIN_NAME);
  g_assert_true (g_uuid_string_is_valid (uuid));
  g_array_append_val (f->events, event);
}

static void
on_qemu_event (const char *uuid, const char *name, const char *event, gint64 at_usec, const char *details,
               gpointer user)
{
  Fixture *f = user;

  f->qemu_events++;
}

static const HypervisorCallbacks callbacks = {
  .connected = on_connected,
  .disconnected = on_disconnected,
  .lifecycle = on_lifecycle,
  .qemu_event = on_qemu_event,
};

static void
set_up (Fixture *f, gconstpointer mode)
{
  g_autoptr (virDomain) domain = NULL;

  f->events = g_array_new (FALSE, FALSE, sizeof (Lifecycle));
  f->hypervisor = hypervisor_new (URI, GPOINTER_TO_INT (mode), &callbacks, f);
  f->other = virConnectOpen (URI);
  g_assert_nonnull (f->other);
  domain = virDomainLookupByName (f->other, DOMAIN_NAME);
  g_assert_cmpint (virDomainGetUUIDString (domain, f->uuid), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer mode)
{
  g_clear_object (&f->result);
  hypervisor_free (f->hypervisor);
  virConnectClose (f->other);
  g_array_unref (f->events);
}

static void
go (Fixture *f)
{
  hypervisor_start (f->hypervisor);
  while (f->connected == 0)
    iterate ();
}

static void
on_result (GObject *object, GAsyncResult *result, gpointer user)
{
  Fixture *f = user;

  g_assert_null (f->result);
  f->result = g_object_ref (result);
}

static GAsyncResult *
await (Fixture *f)
{
  while (f->result == NULL)
    iterate ();
  return f->result;
}

static HypervisorDomain *
look_up (Fixture *f, const char *uuid, GError **error)
{
  HypervisorDomain *domain;

  hypervisor_lookup_async (f->hypervisor, uuid, on_result, f);
  domain = hypervisor_lookup_finish (f->hypervisor, await (f), error);
  g_clear_object (&f->result);
  return domain;
}

static HypervisorDomain *
find (Fixture *f, const char *uuid_or_name, GError **error)
{
  HypervisorDomain *domain;

  hypervisor_find_async (f->hypervisor, uuid_or_name, on_result, f);
  domain = hypervisor_find_finish (f->hypervisor, await (f), error);
  g_clear_object (&f->result);
  return domain;
}

/* A second domain, which ends with the virDomainPtr's destroying. */
static virDomainPtr
create_with_uuid_for_name (Fixture *f)
{
  virDomainPtr domain = virDomainCreateXML (f->other,
                                            "<domain type='test'><name>" UUID_NAME "</name>"
                                            "<memory>4096</memory><os><type>hvm</type></os></domain>",
                                            0);

  g_assert_nonnull (domain);
  return domain;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static void
test_connect (Fixture *f, gconstpointer mode)
{
  g_assert_false (hypervisor_is_connected (f->hypervisor));
  go (f);
  g_assert_true (hypervisor_is_connected (f->hypervisor));
  g_assert_cmpuint (f->connected, ==, 1);
  g_assert_cmpuint (f->disconnected, ==, 0);
}

static void
assert_versions (const Fixture *f, const char *qemu, const char *libvirt)
{
  HypervisorVersions versions = hypervisor_get_versions (f->hypervisor);

  g_assert_cmpstr (versions.qemu, ==, qemu);
  g_assert_cmpstr (versions.libvirt, ==, libvirt);
}

static void
test_versions (Fixture *f, gconstpointer mode)
{
  type = "QEMU";
  qemu_version = 10000013;
  libvirt_version = 11003000;
  assert_versions (f, NULL, NULL);
  go (f);
  assert_versions (f, "10.0.13", "11.3.0");
}

/* What has no QEMU below it has a version all the same, which says nothing. */
static void
test_versions_of_others (Fixture *f, gconstpointer mode)
{
  type = "TEST";
  qemu_version = 2;
  libvirt_version = 9000000;
  go (f);
  assert_versions (f, NULL, NULL);
}

static void
test_versions_untold (Fixture *f, gconstpointer mode)
{
  type = "QEMU";
  qemu_version = 0;
  libvirt_version = 9000000;
  go (f);
  assert_versions (f, NULL, "9.0.0");
}

static void
test_not_connected (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (look_up (f, f->uuid, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
}

static void
test_list (Fixture *f, gconstpointer mode)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  const HypervisorDomain *domain;

  go (f);
  hypervisor_list_async (f->hypervisor, on_result, f);
  list = hypervisor_list_finish (f->hypervisor, await (f), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 1);
  domain = list->pdata[0];
  g_assert_cmpstr (hypervisor_domain_get_name (domain), ==, DOMAIN_NAME);
  g_assert_cmpint (hypervisor_domain_get_state (domain), ==, HYPERVISOR_DOMAIN_RUNNING);
  g_assert_nonnull (strstr (hypervisor_domain_get_xml (domain), "<name>test</name>"));
  g_assert_false (hypervisor_domain_was_migrated (domain));
  g_assert_false (hypervisor_domain_is_migrating (domain));
}

static void
test_find (Fixture *f, gconstpointer mode)
{
  g_autoptr (HypervisorDomain) by_name = NULL;
  g_autoptr (HypervisorDomain) by_uuid = NULL;
  g_autoptr (GError) error = NULL;

  go (f);
  by_name = find (f, DOMAIN_NAME, &error);
  g_assert_no_error (error);
  by_uuid = find (f, hypervisor_domain_get_uuid (by_name), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hypervisor_domain_get_name (by_uuid), ==, DOMAIN_NAME);
}

static void
test_find_unknown (Fixture *f, gconstpointer mode)
{
  static const char *const names[] = { "no-such", "", "00000000-0000-4000-8000-000000000000" };

  go (f);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("“%s”", names[i]);
      g_assert_null (find (f, names[i], &error));
      g_assert_nonnull (error);
      if (*names[i] != '\0')
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
}

/* Whoever says a UUID means no domain that only bears it as its name. */
static void
test_name_like_uuid (Fixture *f, gconstpointer mode)
{
  g_autoptr (virDomain) domain = create_with_uuid_for_name (f);
  g_autoptr (HypervisorDomain) found = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) by_uuid_error = NULL;
  g_autoptr (GError) job_error = NULL;
  HypervisorJob job;

  go (f);
  found = find (f, UUID_NAME, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hypervisor_domain_get_name (found), ==, UUID_NAME);

  g_assert_null (look_up (f, UUID_NAME, &by_uuid_error));
  g_assert_error (by_uuid_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  hypervisor_job_async (f->hypervisor, UUID_NAME, TRUE, on_result, f);
  g_assert_false (hypervisor_job_finish (f->hypervisor, await (f), &job, &job_error));
  g_assert_error (job_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (virDomainDestroy (domain), ==, 0);
}

/* The test driver has no jobs: what libvirt refuses comes back as its sentence. */
static void
test_job_refused (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  HypervisorJob job = { .iteration = 42 };

  go (f);
  hypervisor_job_async (f->hypervisor, f->uuid, TRUE, on_result, f);
  g_assert_false (hypervisor_job_finish (f->hypervisor, await (f), &job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_cmpint (job.iteration, ==, 42); /* untouched */
}

static gboolean
set_metadata (Fixture *f, const char *xml, GError **error)
{
  gboolean ok;

  hypervisor_set_metadata_async (f->hypervisor, f->uuid, xml, on_result, f);
  ok = hypervisor_set_metadata_finish (f->hypervisor, await (f), error);
  g_clear_object (&f->result);
  return ok;
}

static void
test_metadata (Fixture *f, gconstpointer mode)
{
  g_autoptr (HypervisorDomain) with = NULL;
  g_autoptr (HypervisorDomain) without = NULL;
  g_autoptr (GError) error = NULL;

  go (f);
  g_assert_true (set_metadata (f, METADATA, &error));
  with = look_up (f, f->uuid, &error);
  g_assert_nonnull (strstr (hypervisor_domain_get_xml (with), "0123456789abcdef"));

  g_assert_true (set_metadata (f, NULL, &error));
  without = look_up (f, f->uuid, &error);
  g_assert_null (strstr (hypervisor_domain_get_xml (without), "0123456789abcdef"));
  g_assert_no_error (error);
}

static void
test_metadata_bad_xml (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  go (f);
  g_assert_false (set_metadata (f, "<devices", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static void
test_metadata_read_only (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  go (f);
  g_assert_false (set_metadata (f, METADATA, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* ---- events ----------------------------------------------------------------------------------- */

static void
test_lifecycle (Fixture *f, gconstpointer mode)
{
  static const Lifecycle wanted[] = { LIFECYCLE_SUSPENDED, LIFECYCLE_RESUMED, LIFECYCLE_STOPPED,
                                      LIFECYCLE_STARTED };
  g_autoptr (virDomain) domain = virDomainLookupByName (f->other, DOMAIN_NAME);

  go (f);
  g_assert_cmpint (virDomainSuspend (domain), ==, 0);
  g_assert_cmpint (virDomainResume (domain), ==, 0);
  g_assert_cmpint (virDomainDestroy (domain), ==, 0);
  g_assert_cmpint (virDomainCreate (domain), ==, 0);
  while (f->events->len < G_N_ELEMENTS (wanted))
    iterate ();
  for (guint i = 0; i < f->events->len; i++)
    g_assert_cmpint (g_array_index (f->events, Lifecycle, i), ==, wanted[i]);
}

/* An event that libvirt has queued when the Hypervisor goes finds nobody. */
static void
test_event_after_free (Fixture *f, gconstpointer mode)
{
  g_autoptr (virDomain) domain = virDomainLookupByName (f->other, DOMAIN_NAME);

  go (f);
  g_assert_cmpint (virDomainSuspend (domain), ==, 0);
  g_clear_pointer (&f->hypervisor, hypervisor_free);
  g_assert_cmpint (virDomainResume (domain), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (f->events->len, ==, 0);
}

/* libvirt's numbers, written out: the pairs that mean something, everything else by its event. */
static Lifecycle
expected_lifecycle (int event, int detail)
{
  static const Lifecycle ordinary[] = {
    [2] = LIFECYCLE_STARTED, [3] = LIFECYCLE_SUSPENDED, [4] = LIFECYCLE_RESUMED, [5] = LIFECYCLE_STOPPED
  };

  if (event == 2 && detail == 1)
    return LIFECYCLE_STARTED_MIGRATED;
  if (event == 3 && detail == 1)
    return LIFECYCLE_SUSPENDED_MIGRATED;
  if (event == 4 && detail == 1)
    return LIFECYCLE_RESUMED_MIGRATED;
  if (event == 5 && detail == 3)
    return LIFECYCLE_STOPPED_MIGRATED;
  if (event == 5 && detail == 4)
    return LIFECYCLE_STOPPED_SAVED;
  if (event == 5 && detail == 5)
    return LIFECYCLE_STOPPED_FAILED;
  return event >= 2 && event <= 5 ? ordinary[event] : LIFECYCLE_OTHER;
}

/* Every pair, and a good way beyond what any libvirt knows today. */
static void
test_reduce (void)
{
  for (int event = -2; event < 40; event++)
    for (int detail = -2; detail < 40; detail++)
      g_assert_cmpint (lifecycle_reduce (event, detail), ==, expected_lifecycle (event, detail));
  g_assert_cmpint (lifecycle_reduce (G_MAXINT, G_MAXINT), ==, LIFECYCLE_OTHER);
  g_assert_cmpint (lifecycle_reduce (G_MININT, 0), ==, LIFECYCLE_OTHER);
}

/* ---- job statistics --------------------------------------------------------------------------- */

static void
test_job_params (void)
{
  virTypedParameterPtr params = NULL;
  int n = 0, max = 0;
  HypervisorJob job;

  virTypedParamsAddInt (&params, &n, &max, "operation", 5);
  virTypedParamsAddULLong (&params, &n, &max, "downtime", 141);
  virTypedParamsAddULLong (&params, &n, &max, "downtime_net", 0);
  virTypedParamsAddULLong (&params, &n, &max, "vfio_data_transferred", 4096);
  virTypedParamsAddULLong (&params, &n, &max, "memory_iteration", 7);
  virTypedParamsAddULLong (&params, &n, &max, "data_total", G_MAXUINT64); /* fits no gint64 */
  virTypedParamsAddString (&params, &n, &max, "time_elapsed", "soon");    /* another type than promised */
  job_from_params (params, n, &job);
  virTypedParamsFree (params, n);

  g_assert_true (job.outgoing);
  g_assert_false (job.active);
  g_assert_cmpint (job.downtime_ms, ==, 141);
  g_assert_cmpint (job.downtime_net_ms, ==, 0);
  g_assert_cmpint (job.device_bytes, ==, 4096);
  g_assert_cmpint (job.iteration, ==, 7);
  g_assert_cmpint (job.data_total, ==, -1);
  g_assert_cmpint (job.elapsed_ms, ==, -1);
  g_assert_cmpint (job.data_remaining, ==, -1);
}

static void
test_job_params_none (void)
{
  HypervisorJob job;

  job_from_params (NULL, 0, &job);
  g_assert_false (job.outgoing);
  g_assert_cmpint (job.downtime_ms, ==, -1);
  g_assert_cmpint (job.data_processed, ==, -1);
}

/* ---- connecting ------------------------------------------------------------------------------- */

/* It broke before anybody could be told: that is noticed, and it is tried again. */
static void
test_stillborn (Fixture *f, gconstpointer mode)
{
  n_stillborn = 1;
  g_test_expect_message ("accmig", G_LOG_LEVEL_WARNING, "lost libvirt at “*”: it hung up at once*");
  go (f);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (f->disconnected, ==, 1);
  g_assert_cmpuint (f->connected, ==, 1);
  g_assert_true (hypervisor_is_connected (f->hypervisor));
}

/* Nobody answers there; the Hypervisor keeps trying, says so once, and can be freed at any moment of it. */
static void
test_unreachable (void)
{
  Fixture f = { NULL };
  HypervisorCallbacks some = { .connected = on_connected, .disconnected = on_disconnected };

  g_test_expect_message ("accmig", G_LOG_LEVEL_WARNING, "cannot connect to “*”*trying again*");
  f.hypervisor = hypervisor_new ("qemu+unix:///system?socket=/nonexistent/libvirt-sock", HYPERVISOR_READ_ONLY,
                                 &some, &f);
  hypervisor_start (f.hypervisor);
  while (f.hypervisor->retry_ms < 2000) /* two pauses: 0.5 s, 1 s */
    iterate ();
  g_assert_false (hypervisor_is_connected (f.hypervisor));
  hypervisor_free (f.hypervisor);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (f.connected + f.disconnected, ==, 0);
}

static void
test_free_while_opening (void)
{
  Fixture f = { NULL };

  f.hypervisor = hypervisor_new (URI, HYPERVISOR_READ_ONLY, &callbacks, &f);
  hypervisor_start (f.hypervisor);
  hypervisor_free (f.hypervisor);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (f.connected, ==, 0);
}

/* ---- the worker ------------------------------------------------------------------------------- */

typedef struct
{
  GAsyncQueue *begun, *go_on, *ended;
} Gate;

static void
run_gated (gpointer data, gboolean cancelled)
{
  Gate *gate = data;

  g_async_queue_push (gate->begun, GINT_TO_POINTER (1));
  (void)g_async_queue_pop (gate->go_on);
}

static void
run_noting (gpointer data, gboolean cancelled)
{
  g_async_queue_push (data, GINT_TO_POINTER (cancelled ? 2 : 1));
}

static void
test_worker_order (void)
{
  g_autoptr (GAsyncQueue) ended = g_async_queue_new ();
  Worker *worker = worker_new ("test");

  worker_push (worker, run_noting, ended);
  worker_push (worker, run_noting, ended);
  g_assert_cmpint (GPOINTER_TO_INT (g_async_queue_timeout_pop (ended, 10 * G_TIME_SPAN_SECOND)), ==, 1);
  g_assert_cmpint (GPOINTER_TO_INT (g_async_queue_timeout_pop (ended, 10 * G_TIME_SPAN_SECOND)), ==, 1);
  worker_free (worker, 10000);
}

/* A call hangs: the owner leaves after the time it gave, what waited is told so when the call ends after all.
 */
static void
test_worker_held_up (void)
{
  g_autoptr (GAsyncQueue) begun = g_async_queue_new ();
  g_autoptr (GAsyncQueue) go_on = g_async_queue_new ();
  g_autoptr (GAsyncQueue) ended = g_async_queue_new ();
  Gate gate = { begun, go_on, ended };
  Worker *worker = worker_new ("test");
  gint64 before;

  worker_push (worker, run_gated, &gate);
  worker_push (worker, run_noting, ended);
  g_assert_nonnull (g_async_queue_timeout_pop (begun, 10 * G_TIME_SPAN_SECOND));

  before = g_get_monotonic_time ();
  worker_free (worker, 50);
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 50 * G_TIME_SPAN_MILLISECOND);
  g_assert_null (g_async_queue_try_pop (ended));

  g_async_queue_push (go_on, GINT_TO_POINTER (1));
  g_assert_cmpint (GPOINTER_TO_INT (g_async_queue_timeout_pop (ended, 10 * G_TIME_SPAN_SECOND)), ==, 2);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    HypervisorMode mode;
    void (*run) (Fixture *f, gconstpointer mode);
  } connected[] = {
    { "/hypervisor/connect", HYPERVISOR_READ_ONLY, test_connect },
    { "/hypervisor/connect-read-write", HYPERVISOR_READ_WRITE, test_connect },
    { "/hypervisor/versions", HYPERVISOR_READ_ONLY, test_versions },
    { "/hypervisor/versions-of-others", HYPERVISOR_READ_ONLY, test_versions_of_others },
    { "/hypervisor/versions-untold", HYPERVISOR_READ_ONLY, test_versions_untold },
    { "/hypervisor/not-connected", HYPERVISOR_READ_ONLY, test_not_connected },
    { "/hypervisor/list", HYPERVISOR_READ_ONLY, test_list },
    { "/hypervisor/find", HYPERVISOR_READ_ONLY, test_find },
    { "/hypervisor/find-unknown", HYPERVISOR_READ_ONLY, test_find_unknown },
    { "/hypervisor/name-like-uuid", HYPERVISOR_READ_ONLY, test_name_like_uuid },
    { "/hypervisor/job-refused", HYPERVISOR_READ_ONLY, test_job_refused },
    { "/hypervisor/metadata", HYPERVISOR_READ_WRITE, test_metadata },
    { "/hypervisor/metadata-bad-xml", HYPERVISOR_READ_WRITE, test_metadata_bad_xml },
    { "/hypervisor/metadata-read-only", HYPERVISOR_READ_ONLY, test_metadata_read_only },
    { "/hypervisor/stillborn", HYPERVISOR_READ_ONLY, test_stillborn },
    { "/hypervisor/lifecycle", HYPERVISOR_READ_ONLY, test_lifecycle },
    { "/hypervisor/event-after-free", HYPERVISOR_READ_ONLY, test_event_after_free },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (connected); i++)
    g_test_add (connected[i].path, Fixture, GINT_TO_POINTER (connected[i].mode), set_up, connected[i].run,
                tear_down);
  g_test_add_func ("/hypervisor/reduce", test_reduce);
  g_test_add_func ("/hypervisor/job-params", test_job_params);
  g_test_add_func ("/hypervisor/job-params-none", test_job_params_none);
  g_test_add_func ("/hypervisor/unreachable", test_unreachable);
  g_test_add_func ("/hypervisor/free-while-opening", test_free_while_opening);
  g_test_add_func ("/hypervisor/worker-order", test_worker_order);
  g_test_add_func ("/hypervisor/worker-held-up", test_worker_held_up);
  return g_test_run ();
}
