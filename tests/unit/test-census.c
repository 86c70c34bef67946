// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The census, and the metadata it lets be written.
 *
 * libvirt and the broker are doubles, which the linker takes before the real ones: libvirt answers when the
 * test says so, the broker at once unless it is told to wait.
 */

#include "accmigd/census.h"
#include "accmigd/token.h"

#include "mock-sysfs.h"

#include <string.h>

#define PF       "0000:75:00.0"
#define VFS      20
#define FOREIGN  "0123456789abcdef" /* a token of another host */
#define LIMIT_MS 20000

/* What the doubles hold, and have seen. */
static struct
{
  GQueue *lookups; /* of GTask: questions about one domain */
  GQueue *lists;   /* of GTask */
  GQueue *peeks;   /* of GTask: looks that wait */
  gboolean peeks_wait;
  guint most_peeks;   /* that waited at a time */
  GPtrArray *written; /* of char *: elements */
} script;

typedef struct
{
  MockSysfs *sysfs;
  History *history;
  Domains *domains;
  Reservations *reservations;
  Probes *probes;
  Registry *registry;
  Migrations *migrations;
  Metadata *metadata;
  Census *census;
} Fixture;

/* ---- libvirt ---------------------------------------------------------------------------------- */

struct _HypervisorDomain
{
  char *uuid, *xml;
  HypervisorDomainState state;
  gboolean is_migrating;
};

void
hypervisor_domain_free (HypervisorDomain *domain)
{
  g_free (domain->uuid);
  g_free (domain->xml);
  g_free (domain);
}

const char *
hypervisor_domain_get_uuid (const HypervisorDomain *domain)
{
  return domain->uuid;
}

const char *
hypervisor_domain_get_name (const HypervisorDomain *domain)
{
  return "vm";
}

const char *
hypervisor_domain_get_xml (const HypervisorDomain *domain)
{
  return domain->xml;
}

HypervisorDomainState
hypervisor_domain_get_state (const HypervisorDomain *domain)
{
  return domain->state;
}

gboolean
hypervisor_domain_was_migrated (const HypervisorDomain *domain)
{
  return FALSE;
}

gboolean
hypervisor_domain_is_migrating (const HypervisorDomain *domain)
{
  return domain->is_migrating;
}

void
hypervisor_lookup_async (Hypervisor *hypervisor, const char *uuid, GAsyncReadyCallback callback,
                         gpointer user)
{
  g_queue_push_tail (script.lookups, g_task_new (NULL, NULL, callback, user));
}

HypervisorDomain *
hypervisor_lookup_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
hypervisor_list_async (Hypervisor *hypervisor, GAsyncReadyCallback callback, gpointer user)
{
  g_queue_push_tail (script.lists, g_task_new (NULL, NULL, callback, user));
}

GPtrArray *
hypervisor_list_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- the broker ------------------------------------------------------------------------------- */

gboolean
broker_client_is_connected (const BrokerClient *client)
{
  return TRUE;
}

void
broker_client_peek_async (BrokerClient *client, const char *address, GAsyncReadyCallback callback,
                          gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  if (!script.peeks_wait)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  g_queue_push_tail (script.peeks, g_steal_pointer (&task));
  script.most_peeks = MAX (script.most_peeks, g_queue_get_length (script.peeks));
}

gboolean
broker_client_peek_finish (GAsyncResult *result, BrokerPeek *ret_peek, GError **error)
{
  *ret_peek = (BrokerPeek){ .pid = 4711, .flags = 5 };
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
broker_client_set_metadata_async (BrokerClient *client, const char *uuid, const char *xml,
                                  GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  g_ptr_array_add (script.written, g_strdup (xml));
  g_task_return_boolean (task, TRUE);
}

gboolean
broker_client_set_metadata_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the world -------------------------------------------------------------------------------- */

static void
on_device (const Device *device, gpointer user)
{
}

static void
on_something (gpointer user)
{
}

static void
on_domain (const char *uuid, gpointer user)
{
}

static void
on_written (const char *uuid, gpointer user)
{
}

static const AccmigDomain *
on_get_domain (const char *uuid, gpointer user)
{
  return domains_lookup (((Fixture *)user)->domains, uuid);
}

/* VF number @n. */
static char *
make_address (guint n)
{
  return g_strdup_printf ("0000:75:%02x.%u", (n + 1) / 8, (n + 1) % 8);
}

/* The domain that has it. */
static char *
make_uuid (guint n)
{
  return g_strdup_printf ("11111111-1111-4111-8111-%012u", n);
}

static void
make_devices (Fixture *f)
{
  static const ReservationCallbacks reservation_callbacks = { on_something, on_domain };
  static const RegistryCallbacks registry_callbacks = { on_device, on_device, on_device };
  RegistrySources sources = { 0 };
  g_autoptr (GError) error = NULL;

  f->sysfs = mock_sysfs_new ();
  mock_sysfs_add_pf (f->sysfs, PF, 0x19e5, 0xa255, 0x30);
  for (guint i = 0; i < VFS; i++)
    {
      g_autofree char *address = make_address (i);

      mock_sysfs_add_vf (f->sysfs, PF, i, address, 0xa256);
      mock_sysfs_bind (f->sysfs, address, "hisi_acc_vfio_pci", TRUE);
    }
  f->domains = domains_new ();
  f->reservations = reservations_new (NULL, 60, &reservation_callbacks, NULL);
  f->probes = probes_open (NULL);
  sources = (RegistrySources){ mock_sysfs_get_fd (f->sysfs), f->domains, f->reservations, f->probes };
  f->registry = registry_new (&sources, &registry_callbacks, NULL);
  g_assert_true (registry_rescan (f->registry, &error));
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const MigrationsCallbacks callbacks = { .get_domain = on_get_domain };
  MetadataSources metadata = { 0 };
  CensusSources census = { 0 };
  g_autoptr (GError) error = NULL;

  memset (&script, 0, sizeof script);
  script.lookups = g_queue_new ();
  script.lists = g_queue_new ();
  script.peeks = g_queue_new ();
  script.written = g_ptr_array_new_with_free_func (g_free);

  make_devices (f);
  f->history = history_open (":memory:", 100, &error);
  g_assert_no_error (error);
  f->migrations = migrations_new (f->history, &callbacks, f);
  metadata = (MetadataSources){ NULL, f->registry, f->domains, f->migrations };
  f->metadata = metadata_new (&metadata, on_written, NULL);
  census = (CensusSources){ NULL, f->domains, f->reservations, f->registry, f->metadata, f->migrations };
  f->census = census_new (&census, on_something, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_true (g_queue_is_empty (script.lookups)); /* every question was foreseen */
  g_assert_true (g_queue_is_empty (script.lists));
  g_queue_free (script.lookups);
  g_queue_free (script.lists);
  g_queue_free (script.peeks);
  g_ptr_array_unref (script.written);
  census_free (f->census);
  metadata_free (f->metadata);
  migrations_free (f->migrations);
  history_close (f->history);
  registry_free (f->registry);
  probes_close (f->probes);
  reservations_free (f->reservations);
  domains_free (f->domains);
  mock_sysfs_free (f->sysfs);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gboolean
on_limit (gpointer user)
{
  g_error ("nothing has happened for %d ms", LIMIT_MS);
  return G_SOURCE_REMOVE;
}

/* Domain number @n as libvirt would describe it. @token: (nullable): in its metadata */
static HypervisorDomain *
make_domain (guint n, const char *token, gboolean is_migrating)
{
  HypervisorDomain *domain = g_new0 (HypervisorDomain, 1);
  g_autofree char *metadata =
      token != NULL
          ? g_strdup_printf ("<metadata><a:devices xmlns:a='urn:accmig:1' token='%s'/></metadata>", token)
          : g_strdup ("");

  domain->uuid = make_uuid (n);
  domain->state = is_migrating ? HYPERVISOR_DOMAIN_PAUSED : HYPERVISOR_DOMAIN_RUNNING;
  domain->is_migrating = is_migrating;
  domain->xml = g_strdup_printf (
      "<domain type='qemu'><name>vm</name><uuid>%s</uuid>%s<devices><hostdev mode='subsystem' type='pci' "
      "managed='no'><source><address domain='0x0000' bus='0x75' slot='0x%02x' function='0x%u'/></source>"
      "<alias name='hostdev0'/></hostdev></devices></domain>",
      domain->uuid, metadata, (n + 1) / 8, (n + 1) % 8);
  return domain;
}

/* Answers the question that was asked first. @domain: (nullable): NULL for "there is none" */
static void
answer (HypervisorDomain *domain)
{
  g_autoptr (GTask) task = g_queue_pop_head (script.lookups);

  g_assert_nonnull (task);
  if (domain != NULL)
    g_task_return_pointer (task, domain, (GDestroyNotify)hypervisor_domain_free);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is none");
  settle ();
}

static void
answer_list (GPtrArray *domains)
{
  g_autoptr (GTask) task = g_queue_pop_head (script.lists);

  g_assert_nonnull (task);
  g_task_return_pointer (task, domains, (GDestroyNotify)g_ptr_array_unref);
  settle ();
}

static GPtrArray *
no_domains (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)hypervisor_domain_free);
}

/* ---- what is there ---------------------------------------------------------------------------- */

/* The guest stops while a question about it is under way, whose answer is from before. */
static void
test_stale_answer (Fixture *f, gconstpointer data)
{
  g_autofree char *uuid = make_uuid (0);

  census_look_up (f->census, uuid, CENSUS_CHANGED);
  census_drop (f->census, uuid);
  answer (make_domain (0, NULL, FALSE));
  g_assert_null (domains_lookup (f->domains, uuid));
  answer (NULL);
  g_assert_null (domains_lookup (f->domains, uuid));
  g_assert_cmpuint (script.written->len, ==, 0);
}

/* What libvirt held for a guest that is not there after all; not what it took while the list was made. */
static void
test_list_ends_holding (Fixture *f, gconstpointer data)
{
  g_autofree char *first = make_uuid (0);
  g_autofree char *second = make_uuid (1);
  g_autofree char *first_vf = make_address (0);
  g_autofree char *second_vf = make_address (1);
  Reservation reservation;
  gint64 held;

  reservations_hold (f->reservations, first_vf, first, "vm");
  held = g_get_monotonic_time ();
  while (g_get_monotonic_time () == held)
    ; /* the clock counts in steps */
  census_list (f->census);
  reservations_hold (f->reservations, second_vf, second, "vm");
  answer_list (no_domains ());
  g_assert_false (reservations_lookup (f->reservations, first_vf, &reservation));
  g_assert_true (reservations_lookup (f->reservations, second_vf, &reservation));
}

/* That a domain is gone may be heard late, when it is on its way back already. */
static void
test_drop_keeps_promises (Fixture *f, gconstpointer data)
{
  g_autofree char *uuid = make_uuid (0);
  g_autofree char *first_vf = make_address (0);
  g_autofree char *second_vf = make_address (1);
  const char *const promised[] = { second_vf, NULL };
  Reservation reservation;

  reservations_hold (f->reservations, first_vf, uuid, "vm");
  reservations_promise (f->reservations, uuid, "vm", promised);
  census_drop (f->census, uuid);
  g_assert_false (reservations_lookup (f->reservations, first_vf, &reservation));
  g_assert_true (reservations_lookup (f->reservations, second_vf, &reservation));
}

/* ---- migrations ------------------------------------------------------------------------------- */

/* Nobody announced it: there is a record all the same, and nobody writes to it. */
static void
test_arriving (Fixture *f, gconstpointer data)
{
  g_autofree char *uuid = make_uuid (0);
  const Migration *migration;

  census_look_up (f->census, uuid, CENSUS_ARRIVING);
  answer (make_domain (0, FOREIGN, TRUE));
  migration = migrations_running (f->migrations, uuid);
  g_assert_nonnull (migration);
  g_assert_cmpint (migration_get_role (migration), ==, ROLE_DESTINATION);
  metadata_refresh (f->metadata, uuid);
  settle ();
  g_assert_cmpuint (script.written->len, ==, 0);
}

/* A migration without a record: the domain is left alone until it is over, and that is found out. */
static void
test_moving (Fixture *f, gconstpointer data)
{
  g_autofree char *uuid = make_uuid (0);
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);

  census_look_up (f->census, uuid, CENSUS_CHANGED);
  answer (make_domain (0, NULL, TRUE));
  g_assert_null (migrations_running (f->migrations, uuid));
  metadata_refresh (f->metadata, uuid); /* as when one of its devices changes */
  settle ();
  g_assert_cmpuint (script.written->len, ==, 0);

  while (g_queue_is_empty (script.lookups))
    g_main_context_iteration (NULL, TRUE);
  answer (make_domain (0, NULL, FALSE));
  g_assert_cmpuint (script.written->len, ==, 1);
  g_source_remove (limit);
}

/* ---- metadata --------------------------------------------------------------------------------- */

/* The token in an element. */
static const char *
find_token (const char *element)
{
  const char *token = strstr (element, "token=");

  g_assert_nonnull (token);
  return token + strlen ("token='");
}

static void
look_up_with_token (Fixture *f, const char *token, CensusReason reason)
{
  g_autofree char *uuid = make_uuid (0);

  census_look_up (f->census, uuid, reason);
  answer (make_domain (0, token, FALSE));
  g_assert_cmpuint (script.written->len, ==, 1);
}

/* The agent was not there when the guest arrived: what it brought along names its stay elsewhere. */
static void
test_foreign_token (Fixture *f, gconstpointer data)
{
  g_autofree char *host = token_make_host ();
  g_autofree char *token = NULL;

  look_up_with_token (f, FOREIGN, CENSUS_CHANGED);
  token = g_strndup (find_token (script.written->pdata[0]), strlen (FOREIGN));
  g_assert_cmpstr (token, !=, FOREIGN);
  g_assert_true (token_is_of (token, host));
}

/* A new agent on the same host. */
static void
test_own_token (Fixture *f, gconstpointer data)
{
  g_autofree char *host = token_make_host ();
  g_autofree char *token = token_new (host);
  g_autofree char *written_host = g_strdup_printf (" host=\"%s\"", g_get_host_name ());

  look_up_with_token (f, token, CENSUS_CHANGED);
  g_assert_true (g_str_has_prefix (find_token (script.written->pdata[0]), token));
  g_assert_nonnull (strstr (script.written->pdata[0], written_host));
}

/* It comes back to where it was before. */
static void
test_new_stay (Fixture *f, gconstpointer data)
{
  g_autofree char *host = token_make_host ();
  g_autofree char *token = token_new (host);

  look_up_with_token (f, token, CENSUS_NEW_STAY);
  g_assert_false (g_str_has_prefix (find_token (script.written->pdata[0]), token));
}

/* Many guests that ran before the agent came: their devices are looked at few at a time, all of them. */
static void
test_few_peeks (Fixture *f, gconstpointer data)
{
  GPtrArray *list = no_domains ();

  for (guint i = 0; i < VFS; i++)
    g_ptr_array_add (list, make_domain (i, NULL, FALSE));
  script.peeks_wait = TRUE;
  census_list (f->census);
  answer_list (list);
  while (!g_queue_is_empty (script.peeks))
    {
      g_autoptr (GTask) peek = g_queue_pop_head (script.peeks);

      g_task_return_boolean (peek, TRUE);
      settle ();
    }
  g_assert_cmpuint (script.most_peeks, ==, 8);
  g_assert_cmpuint (script.written->len, ==, VFS);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/census/stale-answer", test_stale_answer },
    { "/census/list-ends-holding", test_list_ends_holding },
    { "/census/drop-keeps-promises", test_drop_keeps_promises },
    { "/census/arriving", test_arriving },
    { "/census/moving", test_moving },
    { "/metadata/foreign-token", test_foreign_token },
    { "/metadata/own-token", test_own_token },
    { "/metadata/new-stay", test_new_stay },
    { "/metadata/few-peeks", test_few_peeks },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
