// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Placement: who gets what, by every preference. The verdicts are scripted; what they are about is not the
 * question here.
 */

#include "accmigd/placement.h"

#include <string.h>

#include "mock-sysfs.h"

#define US        "11111111-1111-4111-8111-111111111111"
#define THEM      "22222222-2222-4222-8222-222222222222"
#define MOST      4
#define PCI_HEX   0x19e5, 0xa255, 0x30
#define VF_DEVICE 0xa256

/* Two PFs, each on its own node. VF n of PF 7x is "xn" in the tables: A1 is 0000:7a:00.1. */
static const struct
{
  char pf;
  int n_vfs;
  const char *node;
} pfs[] = { { 'a', 3, "0" }, { 'b', 3, "1" } };

/* ---- the verdicts ---------------------------------------------------------------------------- */

struct _AccmigVerdict
{
  AccmigOutcome outcome;
};

static struct
{
  const char *verdicts; /* "A1- B2?": see outcome_of() */
} script;

/* Returns: (transfer full): "A1" for 0000:7a:00.1 */
static char *
short_name (const char *address)
{
  return g_strdup_printf ("%c%c", g_ascii_toupper (address[6]), address[11]);
}

static AccmigOutcome
outcome_of (const char *address)
{
  g_autofree char *name = short_name (address);
  const char *entry = strstr (script.verdicts, name);

  switch (entry != NULL ? entry[2] : '\0')
    {
    case '-':
      return ACCMIG_OUTCOME_INCOMPATIBLE;
    case '~':
      return ACCMIG_OUTCOME_DEGRADED;
    case '?':
      return ACCMIG_OUTCOME_UNKNOWN;
    default:
      return ACCMIG_OUTCOME_COMPATIBLE;
    }
}

AccmigVerdict *
accmig_compat_check (const AccmigProfile *source, const AccmigProfile *target, AccmigCompatOptions options)
{
  AccmigVerdict *verdict = g_new0 (AccmigVerdict, 1);

  verdict->outcome = outcome_of (accmig_profile_get_address (target));
  return verdict;
}

void
accmig_verdict_free (AccmigVerdict *verdict)
{
  g_free (verdict);
}

AccmigOutcome
accmig_verdict_get_outcome (const AccmigVerdict *verdict)
{
  return verdict->outcome;
}

const AccmigFinding *
accmig_verdict_get_decisive (const AccmigVerdict *verdict)
{
  static const AccmigFinding finding = { .rule = "scripted", .sentence = "scripted" };

  return verdict->outcome == ACCMIG_OUTCOME_COMPATIBLE ? NULL : &finding;
}

/* ---- the host -------------------------------------------------------------------------------- */

typedef struct
{
  MockSysfs *sysfs;
  Domains *domains;
  Reservations *reservations;
  Probes *probes;
  Registry *registry;
  AccmigProfile *source;
} Fixture;

static void
on_device (const Device *device, gpointer user)
{
}

static void
on_reservations (gpointer user)
{
}

static void
on_end (const char *what, gpointer user)
{
}

/* Returns: (transfer full): the address of "A1" */
static char *
long_name (const char *name)
{
  return g_strdup_printf ("0000:7%c:00.%c", g_ascii_tolower (name[0]), name[1]);
}

static void
add_pf (Fixture *f, char letter, int n_vfs, const char *node)
{
  g_autofree char *pf = g_strdup_printf ("0000:7%c:00.0", letter);

  mock_sysfs_add_pf (f->sysfs, pf, PCI_HEX);
  mock_sysfs_set (f->sysfs, pf, "numa_node", node);
  for (int i = 1; i <= n_vfs; i++)
    {
      g_autofree char *vf = g_strdup_printf ("0000:7%c:00.%d", letter, i);

      mock_sysfs_add_vf (f->sysfs, pf, (guint)i - 1, vf, VF_DEVICE);
      mock_sysfs_set (f->sysfs, vf, "numa_node", node);
      mock_sysfs_bind (f->sysfs, vf, "hisi_acc_vfio_pci", TRUE);
    }
}

static void
open_registry (Fixture *f)
{
  static const RegistryCallbacks callbacks = { on_device, on_device, on_device };
  const RegistrySources sources = { mock_sysfs_get_fd (f->sysfs), f->domains, f->reservations, f->probes };

  f->registry = registry_new (&sources, &callbacks, NULL);
  g_assert_true (registry_rescan (f->registry, NULL));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const ReservationCallbacks reservation_callbacks = { on_reservations, on_end, on_end };
  static const char source[] = "{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":"
                               "\"0000:7a:00.7\",\"kind\":\"pci\",\"family\":\"hisi_acc\",\"pf\":"
                               "\"0000:7b:00.0\"}}";
  g_autoptr (GError) error = NULL;

  f->sysfs = mock_sysfs_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (pfs); i++)
    add_pf (f, pfs[i].pf, pfs[i].n_vfs, pfs[i].node);
  f->domains = domains_new ();
  f->reservations = reservations_new (NULL, 60, &reservation_callbacks, NULL);
  f->probes = probes_open (NULL);
  open_registry (f);
  f->source = accmig_profile_new_from_json (source, -1, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  accmig_profile_unref (f->source);
  registry_free (f->registry);
  probes_close (f->probes);
  reservations_free (f->reservations);
  domains_free (f->domains);
  mock_sysfs_free (f->sysfs);
}

/* ---- the tables ------------------------------------------------------------------------------ */

typedef struct
{
  const char *name;
  Remap remap;
  const char *named;    /* by the guest's XML, its hostdevs in order */
  const char *verdicts; /* A1- incompatible, A1~ degraded, A1? unknown; compatible otherwise */
  const char *taken;    /* promised to another guest */
  const char *asked;    /* opened before, for this guest */
  const char *nodes;    /* of the guest's memory */
  const char *wanted;   /* "--" for none */
} Row;

static const Row rows[] = {
  { "named", REMAP_ANY, "A2", "", "", "", "", "A2" },
  { "never", REMAP_NEVER, "A2", "", "A2", "", "", "--" },
  { "never/not there", REMAP_NEVER, "A7", "", "", "", "", "--" },
  { "same pf", REMAP_SAME_PF, "A2", "", "A2", "", "", "A1" },
  { "same pf/full", REMAP_SAME_PF, "A2", "", "A1 A2 A3", "", "", "--" },
  { "same pf/of the source where the device is not here", REMAP_SAME_PF, "A7", "", "B1", "", "", "B2" },
  { "any/same pf first", REMAP_ANY, "A2", "", "A2", "", "", "A1" },
  { "any/another pf then", REMAP_ANY, "A2", "", "A1 A2 A3", "", "", "B1" },
  { "any/nothing left", REMAP_ANY, "A2", "", "A1 A2 A3 B1 B2 B3", "", "", "--" },
  { "any/least loaded", REMAP_ANY, "C1", "", "B1 B2 A1", "", "0-1", "B3" },

  { "named does not fit", REMAP_ANY, "A2", "A2-", "", "A2", "", "A1" },
  { "others do not fit", REMAP_ANY, "A2", "A1- A3- B1-", "A2", "", "", "B2" },
  { "named before nearer", REMAP_ANY, "A2", "", "", "", "1", "A2" },
  { "memory before pf", REMAP_ANY, "A2", "", "A2", "", "1", "B1" },
  { "memory on both", REMAP_ANY, "A2", "", "A2", "", "0-1", "A1" },
  { "memory elsewhere", REMAP_ANY, "A2", "", "A2", "", "5", "A1" },
  { "node of the named device", REMAP_ANY, "B2", "", "B2", "", "", "B1" },

  { "compatible before degraded", REMAP_ANY, "A2", "A2~ A1~ A3~ B1~", "", "A1 A2 A3 B1 B2 B3", "", "B2" },
  { "named before other degraded", REMAP_ANY, "A2", "A1~ A2~ A3~ B1~ B2~ B3~", "", "A1 A2 A3 B1 B2 B3", "",
    "A2" },
  { "degraded when nothing else is left", REMAP_ANY, "A2", "A2- A1~", "A3 B1 B2 B3", "A1 A2", "", "A1" },
  { "what may turn out right before degraded", REMAP_ANY, "A2", "A2~ A1~ A3?", "B1 B2 B3", "A1 A2", "",
    "A3" },
  { "what turned out unknown is left alone", REMAP_ANY, "A2", "A2? A1? A3?", "B1 B2 B3", "A1 A3", "", "A2" },
  { "named unknown", REMAP_NEVER, "A2", "A2?", "", "A2", "", "A2" },
  { "other unknown", REMAP_ANY, "A2", "A1?", "A2 A3 B1 B2 B3", "A1", "", "--" },
  { "named is asked before it is refused", REMAP_NEVER, "A2", "A2-", "", "", "", "A2" },
  { "and not again", REMAP_NEVER, "A2", "A2-", "", "A2", "", "--" },
  { "what fits goes before asking it", REMAP_ANY, "A2", "A2-", "", "", "", "A1" },

  { "pair", REMAP_ANY, "A1 A2", "", "", "", "", "A1 A2" },
  { "pair/one is taken", REMAP_SAME_PF, "A1 A2", "", "A1", "", "", "A3 A2" },
  { "pair/both are taken", REMAP_ANY, "A1 A2", "", "A1 A2", "", "", "A3 B1" },
  { "pair/one has to go without", REMAP_SAME_PF, "A1 A2", "", "A1 A3", "", "", "-- A2" },
  { "pair/whoever is first", REMAP_SAME_PF, "A7 A2", "B2-", "B1", "", "", "B3 A2" },
  { "pair/names one twice", REMAP_SAME_PF, "A2 A2", "", "", "", "", "A2 A1" },
  { "pair/one twice and never", REMAP_NEVER, "A2 A2", "", "", "", "", "A2 --" },
  /* The first may have A1 or A3, the second, by the source's PF, only those of B. */
  { "pair/each within its own", REMAP_SAME_PF, "A2 A7", "", "A2 B1 B3", "", "", "A1 B2" },
  { "four", REMAP_ANY, "A1 A2 A3 B1", "", "A1 B1", "", "", "B2 A2 A3 B3" },
};

/* Calls @each for every name in "A1 B2". */
static void
for_each (const char *names, void (*each) (const char *address, gpointer user), gpointer user)
{
  g_auto (GStrv) words = g_strsplit (names, " ", -1);

  for (char **word = words; *word != NULL && **word != '\0'; word++)
    {
      g_autofree char *address = long_name (*word);

      each (address, user);
    }
}

static void
take (const char *address, gpointer user)
{
  Fixture *f = user;

  reservations_hold (f->reservations, address, THEM, "them");
}

static void
mark_asked (const char *address, gpointer asked)
{
  g_hash_table_replace (asked, g_strdup (address), NULL);
}

static void
add_address (const char *address, gpointer addresses)
{
  g_ptr_array_add (addresses, g_strdup (address));
}

static GArray *
read_nodes (const char *text)
{
  GArray *nodes = g_array_new (FALSE, FALSE, sizeof (int));

  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_isdigit (*c))
      {
        int node = g_ascii_digit_value (*c);

        g_array_append_val (nodes, node);
      }
  return nodes;
}

static void
test_row (Fixture *f, gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GHashTable) asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) tried = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GArray) nodes = read_nodes (row->nodes);
  g_autoptr (GPtrArray) named = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) got = g_string_new (NULL);
  DeviceView view = {
    .registry = f->registry, .reservations = f->reservations, .uuid = US, .asked = asked, .tried = tried
  };
  const PlacementWishes wishes = { row->remap, nodes };
  Claim claims[MOST];
  const char *targets[MOST];

  script.verdicts = row->verdicts;
  for_each (row->taken, take, f);
  registry_refresh (f->registry);
  for_each (row->asked, mark_asked, asked);
  for_each (row->named, add_address, named);
  for (guint i = 0; i < named->len; i++)
    claims[i] = (Claim){ .kind = ACCMIG_KIND_PCI, .address = named->pdata[i], .source = f->source };
  placement_solve (&view, &wishes, claims, named->len, targets);
  for (guint i = 0; i < named->len; i++)
    {
      g_autofree char *name = targets[i] != NULL ? short_name (targets[i]) : g_strdup ("--");

      g_string_append_printf (got, "%s%s", i == 0 ? "" : " ", name);
    }
  g_assert_cmpstr (got->str, ==, row->wanted);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static const char *
solve_one (Fixture *f, const Claim *claim, const char *uuid)
{
  g_autoptr (GHashTable) asked = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) tried = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GArray) nodes = read_nodes ("");
  const DeviceView view = {
    .registry = f->registry, .reservations = f->reservations, .uuid = uuid, .asked = asked, .tried = tried
  };
  const PlacementWishes wishes = { REMAP_ANY, nodes };
  const char *target = NULL;

  script.verdicts = "";
  placement_solve (&view, &wishes, claim, 1, &target);
  return target;
}

/* What the host's drivers use is the host's, also where libvirt would take it away; unless the XML names it.
 */
static void
test_host_driver (Fixture *f, gconstpointer data)
{
  Claim claim = { .kind = ACCMIG_KIND_PCI, .address = "0000:7a:00.2", .managed = TRUE, .source = f->source };

  mock_sysfs_bind (f->sysfs, "0000:7a:00.1", "hisi_sec2", FALSE);
  mock_sysfs_bind (f->sysfs, "0000:7a:00.2", "hisi_sec2", FALSE);
  g_assert_true (registry_rescan (f->registry, NULL));
  g_assert_cmpstr (solve_one (f, &claim, US), ==, "0000:7a:00.2");
  claim.managed = FALSE;
  g_assert_cmpstr (solve_one (f, &claim, US), ==, "0000:7a:00.3");
}

/* A hostdev of which nothing is known may be anything. */
static void
test_no_profile (Fixture *f, gconstpointer data)
{
  const Claim claim = { .kind = ACCMIG_KIND_PCI, .address = "0000:7a:00.2" };

  g_assert_cmpstr (solve_one (f, &claim, US), ==, "0000:7a:00.2");
  reservations_hold (f->reservations, "0000:7a:00.2", THEM, "them");
  g_assert_null (solve_one (f, &claim, US));
}

static void
test_other_kind (Fixture *f, gconstpointer data)
{
  const Claim claim = { .kind = ACCMIG_KIND_MDEV,
                        .address = "00000000-0000-0000-0000-00000000000a",
                        .source = f->source };

  g_assert_null (solve_one (f, &claim, US));
}

/* What is reserved for the guest itself is not taken; for one that is only asked about, everything is. */
static void
test_own_reservation (Fixture *f, gconstpointer data)
{
  const Claim claim = { .kind = ACCMIG_KIND_PCI, .address = "0000:7a:00.2", .source = f->source };

  reservations_hold (f->reservations, "0000:7a:00.2", US, "us");
  registry_refresh (f->registry);
  g_assert_cmpstr (solve_one (f, &claim, US), ==, "0000:7a:00.2");
  g_assert_cmpstr (solve_one (f, &claim, NULL), ==, "0000:7a:00.1");
}

/* As many hostdevs as there can be, and hardly more devices. */
static void
test_largest (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 64
  };
  g_autoptr (GHashTable) asked = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) tried = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GArray) nodes = read_nodes ("");
  const DeviceView view = {
    .registry = f->registry, .reservations = f->reservations, .uuid = US, .asked = asked, .tried = tried
  };
  const PlacementWishes wishes = { REMAP_ANY, nodes };
  char addresses[N][16];
  Claim claims[N];
  const char *targets[N];

  mock_sysfs_add_pf (f->sysfs, "0000:10:00.0", PCI_HEX);
  for (int vf = 1; vf < N; vf++)
    {
      g_autofree char *name = g_strdup_printf ("0000:10:%02x.%d", vf / 8, vf % 8);

      mock_sysfs_add_vf (f->sysfs, "0000:10:00.0", (guint)vf, name, VF_DEVICE);
      mock_sysfs_bind (f->sysfs, name, "hisi_acc_vfio_pci", TRUE);
    }
  g_assert_true (registry_rescan (f->registry, NULL));
  for (int i = 0; i < N; i++)
    {
      (void)g_snprintf (addresses[i], sizeof addresses[i], "0000:7c:%02x.%d", i / 8, i % 8);
      claims[i] = (Claim){ .kind = ACCMIG_KIND_PCI, .address = addresses[i], .source = f->source };
    }
  script.verdicts = "";
  placement_solve (&view, &wishes, claims, N, targets);
  for (int i = 0; i < N; i++)
    g_assert_true (g_hash_table_add (seen, (gpointer)targets[i]));
}

/* Devices that the guest may not have do not keep it from one that comes behind them. */
static void
test_many_of_the_host (Fixture *f, gconstpointer data)
{
  const Claim claim = { .kind = ACCMIG_KIND_PCI, .address = "0000:7c:00.7", .source = f->source };

  mock_sysfs_add_pf (f->sysfs, "0000:10:00.0", PCI_HEX);
  for (int vf = 1; vf <= PLACEMENT_MAX_CANDIDATES; vf++)
    {
      g_autofree char *name = g_strdup_printf ("0000:%02x:%02x.%d", 0x10 + vf / 256, vf / 8 % 32, vf % 8);

      mock_sysfs_add_vf (f->sysfs, "0000:10:00.0", (guint)vf, name, VF_DEVICE);
      mock_sysfs_bind (f->sysfs, name, "hisi_sec2", FALSE);
    }
  registry_free (f->registry); /* one that has seen them is in no order */
  open_registry (f);
  g_assert_cmpstr (solve_one (f, &claim, US), ==, "0000:7b:00.1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/placement/", rows[i].name, NULL);

      g_test_add (path, Fixture, &rows[i], set_up, test_row, tear_down);
    }
  g_test_add ("/placement/host-driver", Fixture, NULL, set_up, test_host_driver, tear_down);
  g_test_add ("/placement/no-profile", Fixture, NULL, set_up, test_no_profile, tear_down);
  g_test_add ("/placement/other-kind", Fixture, NULL, set_up, test_other_kind, tear_down);
  g_test_add ("/placement/own-reservation", Fixture, NULL, set_up, test_own_reservation, tear_down);
  g_test_add ("/placement/largest", Fixture, NULL, set_up, test_largest, tear_down);
  g_test_add ("/placement/many-of-the-host", Fixture, NULL, set_up, test_many_of_the_host, tear_down);
  return g_test_run ();
}
