// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fleets: groups, classes and directions, and that a signature tells apart what verdicts do.
 */

#include <accmig/families.h>
#include <accmig/fleet.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "compat-private.h"
#include "compat-signature.h"

/* A profile that can send to its own like. */
#define PROFILE                                                                                              \
  "{'format':'accmig-profile/1',"                                                                            \
  "'host':{'kernel':'6.12.48','kernel-level':'6.12.48','machine':'aarch64','page-size':4096,'cpu':'"         \
  "0x481fd010'},"                                                                                            \
  "'device':{'address':'0000:75:00.1','kind':'pci','family':'hisi_acc','vendor':'0x19e5','device':'0xa256'," \
  "'revision':'0x50','driver':'hisi_acc_vfio_pci','vfio':true,'pf':'0000:75:00.0','pf-driver':'hisi_sec2',"  \
  "'vf-index':0,'numa-node':0,'migration':true,'flags':5},"                                                  \
  "'hisi_acc':{'hardware':'v4','magic':'0xaaccfeeddecadede','major':1,'minor':0,'qp-num':8,'isolation':0}}"

/* The profile above with other values. @changes: "device.driver=\"vfio-pci\" hisi_acc.qp-num=4"; without a
 * value the member is taken away */
static AccmigProfile *
make_profile (const char *changes)
{
  g_autofree char *text = g_strdelimit (g_strdup (PROFILE), "'", '"');
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  g_auto (GStrv) words = g_strsplit (changes, " ", -1);
  g_autofree char *changed = NULL;
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = NULL;

  for (char **word = words; *word != NULL && **word != '\0'; word++)
    {
      g_auto (GStrv) parts = g_strsplit_set (*word, ".=", 3);
      JsonObject *object = json_object_get_object_member (json_node_get_object (root), parts[0]);

      json_object_remove_member (object, parts[1]);
      if (parts[2] != NULL && *parts[2] != '\0')
        json_object_set_member (object, parts[1], json_from_string (parts[2], NULL));
    }
  changed = json_to_string (root, FALSE);
  profile = accmig_profile_new_from_json (changed, -1, &error);
  g_assert_no_error (error);
  return profile;
}

/* @host: its profile with @changes */
static void
add (AccmigFleet *fleet, const char *host, const char *changes)
{
  g_autoptr (AccmigProfile) profile = make_profile (changes);
  g_autoptr (GError) error = NULL;

  g_assert_true (accmig_fleet_add (fleet, host, profile, &error));
  g_assert_no_error (error);
}

static char *
join (const char *const *names, gsize n)
{
  GString *line = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (line, "%s%s", i > 0 ? " " : "", names[i]);
  return g_string_free (line, FALSE);
}

static void
assert_class (const AccmigFleet *fleet, gsize index, const char *hosts, guint64 n_profiles, gsize n_groups)
{
  const AccmigFleetClass *class = accmig_fleet_get_class (fleet, index);
  g_autofree char *found = join (class->hosts, class->n_hosts);

  g_assert_cmpstr (found, ==, hosts);
  g_assert_cmpuint (class->n_profiles, ==, n_profiles);
  g_assert_cmpuint (class->n_groups, ==, n_groups);
}

/* ---- signatures ---- */

static const struct
{
  const char *name;
  const char *changes;
  gboolean differs;
} sights[] = {
  { "nothing", "", FALSE },
  { "address", "device.address=\"0000:75:00.2\"", FALSE },
  { "pf", "device.pf=\"0000:76:00.0\"", FALSE },
  { "no-pf", "device.pf=", TRUE }, /* the driver it needs cannot be told then */
  { "vf-index", "device.vf-index=7", FALSE },
  { "numa-node", "device.numa-node=1", FALSE },
  { "state-size", "device.state-size=4096", FALSE },
  { "kernel-patch", "host.kernel=\"6.12.49\"", FALSE },
  { "kernel-series", "host.kernel=\"6.1.0-37-arm64\"", FALSE },
  { "kernel-layout", "host.kernel=\"7.0.1\"", TRUE },
  { "kernel-level", "host.kernel-level=\"6.12.49\"", FALSE },
  { "kernel-defect", "host.kernel-level=\"6.17.3\"", TRUE },
  { "libvirt", "host.libvirt=\"11.3.0\"", FALSE },
  { "libvirt-old", "host.libvirt=\"9.0.0\"", TRUE },
  { "kernel-strange", "host.kernel=\"next\"", TRUE }, /* the size of BAR 2 is unknown then */
  { "queues", "hisi_acc.qp-num=4", TRUE },
  { "no-queues", "hisi_acc.qp-num=", TRUE },
  { "isolation", "hisi_acc.isolation=1", TRUE },
  { "magic", "hisi_acc.magic=\"0xcdcdcdcdfeedaacc\"", TRUE },
  { "driver", "device.driver=\"vfio-pci\"", TRUE },
  { "pf-driver", "device.pf-driver=\"vfio-pci\"", TRUE },
  { "flags-p2p", "device.flags=7", FALSE }, /* a warning only */
  { "flags-pre-copy", "device.flags=1", TRUE },
  { "page-size", "host.page-size=65536", FALSE }, /* a warning only */
  { "machine", "host.machine=\"x86_64\"", TRUE },
};

static void
test_sight (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigProfile) plain = make_profile ("");
  g_autoptr (AccmigProfile) changed = make_profile (sights[i].changes);
  g_autofree char *one = compat_signature (plain);
  g_autofree char *other = compat_signature (changed);

  g_assert_cmpuint (strlen (one), ==, 64);
  g_assert_cmpint (strcmp (one, other) != 0, ==, sights[i].differs);
}

/* ---- signatures against verdicts ---- */

static const char *const kernels[] = { "6.1.0-37", "6.12.48", "6.17.2", "6.18.1", "6.19.0", "7.0.3", "next" };
static const char *const levels[] = { "6.1.140", "6.12.48", "6.17.2", "6.18.1",
                                      "6.18.44", "6.19.0",  "7.0.3",  "next" };
static const char *const versions[] = { "7.2.0", "8.0.5", "9.0.0", "9.7.0", "10.0.13", "11.3.0", "next" };
static const char *const drivers[] = { "vfio-pci", "hisi_acc_vfio_pci", "hisi_sec2", "mlx5_vfio_pci",
                                       "mtty" };
static const char *const texts[] = {
  "v1", "v3+", "v4", "0xaaccfeeddecadede", "0xcdcdcdcdfeedaacc", "1.2", "x"
};
static const guint64 numbers[] = { 0, 1, 2, 3, 5, 7, 8, 64 };

#define PICK(random, pool) pool[g_rand_int_range (random, 0, G_N_ELEMENTS (pool))]

/* Sets a member to one of a few values, or takes it away. @type: as a family field's */
static void
change_member (JsonObject *object, const char *name, const char *type, const char *const *pool, gsize n_pool,
               GRand *random)
{
  json_object_remove_member (object, name);
  if (g_rand_int_range (random, 0, 5) == 0)
    return;
  if (g_str_equal (type, "boolean"))
    json_object_set_boolean_member (object, name, g_rand_boolean (random));
  else if (g_str_equal (type, "text"))
    json_object_set_string_member (object, name, pool[g_rand_int_range (random, 0, (gint32)n_pool)]);
  else
    json_object_set_int_member (object, name, (gint64)PICK (random, numbers));
}

static const char *const machines[] = { "aarch64", "x86_64" };
static const char *const ids[] = { "0x19e5", "0xa256", "0xa251" };
static const char *const pfs[] = { "0000:75:00.0", "0000:76:00.0" };

/* What any profile may have, besides the members of its family. */
static const struct
{
  const char *object, *name, *type;
  const char *const *pool;
  gsize n_pool;
} plain_members[] = {
  { "host", "kernel", "text", kernels, G_N_ELEMENTS (kernels) },
  { "host", "kernel-level", "text", levels, G_N_ELEMENTS (levels) },
  { "host", "qemu", "text", versions, G_N_ELEMENTS (versions) },
  { "host", "libvirt", "text", versions, G_N_ELEMENTS (versions) },
  { "host", "machine", "text", machines, G_N_ELEMENTS (machines) },
  { "host", "page-size", "number" },
  { "host", "cpu", "text", texts, G_N_ELEMENTS (texts) },
  { "host", "iommu", "text", texts, G_N_ELEMENTS (texts) },
  { "device", "vendor", "text", ids, G_N_ELEMENTS (ids) },
  { "device", "device", "text", ids, G_N_ELEMENTS (ids) },
  { "device", "revision", "text", ids, G_N_ELEMENTS (ids) },
  { "device", "driver", "text", drivers, G_N_ELEMENTS (drivers) },
  { "device", "variant", "text", drivers, G_N_ELEMENTS (drivers) },
  { "device", "vfio", "boolean" },
  { "device", "pf", "text", pfs, G_N_ELEMENTS (pfs) },
  { "device", "pf-driver", "text", drivers, G_N_ELEMENTS (drivers) },
  { "device", "vf-index", "number" },
  { "device", "num-vfs", "number" },
  { "device", "numa-node", "number" },
  { "device", "migration", "boolean" },
  { "device", "flags", "number" },
  { "device", "state-size", "number" },
};

/* Changes one member of @root, of those that @family knows. */
static void
change_any (JsonNode *root, const AccmigFamily *family, GRand *random)
{
  gsize n_fields = accmig_family_get_n_fields (family);
  gsize which = (gsize)g_rand_int_range (random, 0, (gint32)(G_N_ELEMENTS (plain_members) + n_fields));
  JsonObject *document = json_node_get_object (root);

  if (which < G_N_ELEMENTS (plain_members))
    change_member (json_object_get_object_member (document, plain_members[which].object),
                   plain_members[which].name, plain_members[which].type, plain_members[which].pool,
                   plain_members[which].n_pool, random);
  else
    {
      const AccmigFamilyField *field = accmig_family_get_field (family, which - G_N_ELEMENTS (plain_members));

      change_member (json_object_get_object_member (document, accmig_family_get_name (family)), field->name,
                     field->type, texts, G_N_ELEMENTS (texts), random);
    }
}

/* A profile of @family in which every second member has been changed, or fewer. */
static AccmigProfile *
random_profile (const AccmigFamily *family, GRand *random)
{
  g_autofree char *text = g_strdelimit (g_strdup (PROFILE), "'", '"');
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *document = json_node_get_object (root);
  g_autofree char *changed = NULL;
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = NULL;

  if (!json_object_has_member (document, accmig_family_get_name (family)))
    json_object_set_object_member (document, accmig_family_get_name (family), json_object_new ());
  json_object_set_string_member (json_object_get_object_member (document, "device"), "family",
                                 accmig_family_get_name (family));
  for (gint32 n = g_rand_int_range (random, 0, 4); n > 0; n--)
    change_any (root, family, random);
  changed = json_to_string (root, FALSE);
  profile = accmig_profile_new_from_json (changed, -1, &error);
  g_assert_no_error (error);
  return profile;
}

static gboolean
fits (const AccmigProfile *source, const AccmigProfile *target)
{
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);

  return accmig_verdict_get_outcome (verdict) <= ACCMIG_OUTCOME_DEGRADED;
}

#define N_RANDOM 200

/* (transfer full): for each pair of @profiles whether the first can send to the second, row by row */
static gboolean *
hold_all (const GPtrArray *profiles)
{
  gboolean *sends = g_new (gboolean, (gsize)profiles->len * profiles->len);

  for (guint i = 0; i < profiles->len; i++)
    for (guint j = 0; j < profiles->len; j++)
      {
        gboolean fit = fits (profiles->pdata[i], profiles->pdata[j]);

        g_assert_cmpint (compat_can_send (profiles->pdata[i], profiles->pdata[j], ACCMIG_COMPAT_NONE), ==,
                         fit);
        sends[i * profiles->len + j] = fit;
      }
  return sends;
}

static void
assert_alike (const GPtrArray *profiles, const gboolean *sends, guint i, guint j)
{
  for (guint k = 0; k < profiles->len; k++)
    if (sends[i * profiles->len + k] != sends[j * profiles->len + k]
        || sends[k * profiles->len + i] != sends[k * profiles->len + j])
      {
        g_autofree char *one = accmig_profile_to_json (profiles->pdata[i]);
        g_autofree char *two = accmig_profile_to_json (profiles->pdata[j]);
        g_autofree char *third = accmig_profile_to_json (profiles->pdata[k]);

        g_error ("one signature, but not one verdict: %s and %s with %s", one, two, third);
      }
}

/* Two profiles with one signature send to the same others, and take from them. Returns: how many such pairs
 * there were that are not the same profile */
static guint
check_signatures (const GPtrArray *profiles)
{
  g_autofree gboolean *sends = hold_all (profiles);
  g_autoptr (GPtrArray) signatures = g_ptr_array_new_with_free_func (g_free);
  guint n_pairs = 0;

  for (guint i = 0; i < profiles->len; i++)
    g_ptr_array_add (signatures, compat_signature (profiles->pdata[i]));
  for (guint i = 0; i < profiles->len; i++)
    for (guint j = 0; j < i; j++)
      if (g_str_equal (signatures->pdata[i], signatures->pdata[j])
          && !g_str_equal (accmig_profile_get_digest (profiles->pdata[i]),
                           accmig_profile_get_digest (profiles->pdata[j])))
        {
          n_pairs++;
          assert_alike (profiles, sends, i, j);
        }
  return n_pairs;
}

static void
test_signatures_and_verdicts (void)
{
  AccmigFamilies *families = accmig_families_get_default ();

  g_assert_cmpuint (accmig_families_get_n (families), >, 2);
  for (gsize f = 0; f < accmig_families_get_n (families); f++)
    {
      const AccmigFamily *family = accmig_families_get (families, f);
      g_autoptr (GRand) random = g_rand_new_with_seed ((guint32)f + 1);
      g_autoptr (GPtrArray) profiles = g_ptr_array_new_with_free_func ((GDestroyNotify)accmig_profile_unref);

      for (guint i = 0; i < N_RANDOM; i++)
        g_ptr_array_add (profiles, random_profile (family, random));
      g_assert_cmpuint (check_signatures (profiles), >, N_RANDOM);
    }
}

/* ---- classes ---- */

static void
test_one_class (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);

  add (fleet, "cn02", "");
  add (fleet, "cn01", "device.address=\"0000:75:00.2\"");
  add (fleet, "cn02", "device.address=\"0000:75:00.3\" host.kernel=\"6.12.49\"");
  accmig_fleet_classify (fleet);

  g_assert_cmpuint (accmig_fleet_get_n_profiles (fleet), ==, 3);
  g_assert_cmpuint (accmig_fleet_get_n_hosts (fleet), ==, 2);
  g_assert_cmpuint (accmig_fleet_get_n_groups (fleet), ==, 1);
  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 1);
  assert_class (fleet, 0, "cn01 cn02", 3, 1);
  g_assert_cmpstr (accmig_fleet_get_group (fleet, 0)->host, ==, "cn02");
  g_assert_cmpstr (accmig_profile_get_address (accmig_fleet_get_group (fleet, 0)->profile), ==,
                   "0000:75:00.1");
}

static void
test_split (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);

  add (fleet, "cn01", "hisi_acc.qp-num=4");
  add (fleet, "cn02", "");
  add (fleet, "cn03", "");
  accmig_fleet_classify (fleet);

  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 2);
  assert_class (fleet, 0, "cn02 cn03", 2, 1);
  assert_class (fleet, 1, "cn01", 1, 1);
  g_assert_cmpint (accmig_fleet_get_reach (fleet, 0, 1), ==, ACCMIG_FLEET_REACH_NONE);
  g_assert_cmpint (accmig_fleet_get_reach (fleet, 1, 0), ==, ACCMIG_FLEET_REACH_NONE);
}

/* The newer driver takes the older stream format; the older one does not know the newer. */
static void
test_one_way (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  gssize old = -1, new = -1;
  g_autoptr (AccmigProfile) profile = make_profile ("");

  add (fleet, "old", "hisi_acc.magic=\"0xcdcdcdcdfeedaacc\" hisi_acc.major= hisi_acc.minor=");
  add (fleet, "new", "");
  accmig_fleet_classify (fleet);

  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 2);
  new = accmig_fleet_find_class (fleet, profile);
  old = 1 - new;
  g_assert_cmpint (accmig_fleet_get_reach (fleet, (gsize)old, (gsize) new), ==, ACCMIG_FLEET_REACH_ALL);
  g_assert_cmpint (accmig_fleet_get_reach (fleet, (gsize) new, (gsize)old), ==, ACCMIG_FLEET_REACH_NONE);
}

static void
test_outside (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);

  add (fleet, "cn01", "device.driver=\"vfio-pci\" device.migration=false");
  accmig_fleet_classify (fleet);

  g_assert_cmpuint (accmig_fleet_get_n_groups (fleet), ==, 1);
  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 0);
  g_assert_cmpint (accmig_fleet_get_group (fleet, 0)->class_index, ==, -1);
  g_assert_false (accmig_fleet_can_send (fleet, 0, 0));
}

static void
test_empty (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);

  accmig_fleet_classify (fleet);
  g_assert_cmpuint (accmig_fleet_get_n_groups (fleet), ==, 0);
  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 0);
}

/* What the rule about the size of BAR 2 only warns of is another group, but not another class. */
#define HIDDEN "hisi_acc.hardware=\"v3+\" "

static void
test_groups_of_a_class (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);

  add (fleet, "cn01", HIDDEN);
  add (fleet, "cn02", HIDDEN "host.kernel=\"7.0.1\"");
  add (fleet, "cn03", HIDDEN "hisi_acc.isolation=1");
  accmig_fleet_classify (fleet);

  g_assert_cmpuint (accmig_fleet_get_n_groups (fleet), ==, 3);
  g_assert_cmpuint (accmig_fleet_get_n_classes (fleet), ==, 2);
  assert_class (fleet, 0, "cn01 cn02", 2, 2);
  assert_class (fleet, 1, "cn03", 1, 1);
}

static void
test_find (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  g_autoptr (AccmigProfile) member =
      make_profile (HIDDEN "hisi_acc.qp-num=4 device.address=\"0000:99:00.1\"");
  g_autoptr (AccmigProfile) fitting = make_profile (HIDDEN "host.kernel=\"7.0.1\"");
  g_autoptr (AccmigProfile) strange = make_profile (HIDDEN "hisi_acc.qp-num=5");
  g_autoptr (AccmigProfile) unbound = make_profile ("device.driver=\"vfio-pci\" device.migration=false");

  add (fleet, "cn01", HIDDEN);
  add (fleet, "cn02", HIDDEN);
  add (fleet, "cn03", HIDDEN "hisi_acc.qp-num=4");
  accmig_fleet_classify (fleet);

  g_assert_cmpint (accmig_fleet_find_class (fleet, member), ==, 1);
  g_assert_cmpint (accmig_fleet_find_class (fleet, fitting), ==, 0);
  g_assert_cmpint (accmig_fleet_find_class (fleet, strange), ==, -1);
  g_assert_cmpint (accmig_fleet_find_class (fleet, unbound), ==, -1);
}

/* Neither the order nor the numbers, nor an update of the kernel, change what a class is. */
static void
test_digest (void)
{
  g_autoptr (AccmigFleet) one = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  g_autoptr (AccmigFleet) other = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  g_autoptr (AccmigFleet) third = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  const char *digest = NULL;

  add (one, "cn01", HIDDEN);
  add (one, "cn02", HIDDEN "host.kernel=\"7.0.1\"");
  add (other, "cn07", HIDDEN "host.kernel=\"7.0.2\"");
  add (other, "cn07", HIDDEN "host.kernel=\"7.0.3\"");
  add (other, "cn01", HIDDEN "host.kernel=\"6.12.49\"");
  add (third, "cn01", HIDDEN);
  accmig_fleet_classify (one);
  accmig_fleet_classify (other);
  accmig_fleet_classify (third);

  digest = accmig_fleet_get_class (one, 0)->digest;
  g_assert_cmpuint (strlen (digest), ==, 64);
  g_assert_cmpstr (digest, ==, accmig_fleet_get_class (other, 0)->digest);
  g_assert_cmpstr (digest, !=, accmig_fleet_get_class (third, 0)->digest);
}

static void
test_limit (void)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  g_autoptr (AccmigProfile) last = make_profile ("");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < ACCMIG_FLEET_MAX_GROUPS; i++)
    {
      g_autofree char *changes = g_strdup_printf ("hisi_acc.qp-num=%u", 100 + i);

      add (fleet, "cn01", changes);
    }
  add (fleet, "cn02", "hisi_acc.qp-num=100");
  g_assert_false (accmig_fleet_add (fleet, "cn02", last, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "4096"));
}

/* ---- conditions ---- */

#define FAMILY                                                                                               \
  "[family]\nname=quiz\ntitle=Quiz\n\n[field mode]\nwhat=mode\ntype=text\nfrom=parameter quiz mode\n\n"      \
  "[rule mode]\nfield=mode\nrelation=never\nwhen=%s mode in bad\nsentence=a bad mode\n"

/* The signature of a device whose mode is @mode, where only a rule's condition on @side looks at it. */
static char *
sign_mode (const char *directory, const char *side, const char *mode)
{
  g_autofree char *path = g_build_filename (directory, "quiz.family", NULL);
  g_autofree char *text = g_strdup_printf (FAMILY, side);
  g_autofree char *all = g_strconcat (g_getenv ("ACCMIG_FAMILIES_PATH"), ":", directory, NULL);
  g_auto (GStrv) directories = g_strsplit (all, ":", -1);
  g_autofree char *document = g_strdelimit (g_strdup (PROFILE), "'", '"');
  g_autoptr (JsonNode) root = json_from_string (document, NULL);
  JsonObject *quiz = json_object_new ();
  g_autofree char *changed = NULL;
  g_autoptr (AccmigProfile) profile = NULL;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  accmig_families_set_default (accmig_families_load ((const char *const *)directories));
  json_object_set_string_member (quiz, "mode", mode);
  json_object_set_object_member (json_node_get_object (root), "quiz", quiz);
  json_object_set_string_member (json_object_get_object_member (json_node_get_object (root), "device"),
                                 "family", "quiz");
  changed = json_to_string (root, FALSE);
  profile = accmig_profile_new_from_json (changed, -1, NULL);
  g_assert_nonnull (profile);
  g_assert_nonnull (accmig_families_lookup (accmig_families_get_default (), "quiz"));
  g_assert_true (g_remove (path) == 0);
  return compat_signature (profile);
}

static void
test_conditions (void)
{
  static const char *const sides[] = { "source", "target" };
  g_autofree char *directory = g_dir_make_tmp ("test-fleet-XXXXXX", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      g_autofree char *bad = sign_mode (directory, sides[i], "bad");
      g_autofree char *good = sign_mode (directory, sides[i], "good");
      g_autofree char *better = sign_mode (directory, sides[i], "better");

      g_assert_cmpstr (good, ==, better);
      g_assert_cmpstr (good, !=, bad);
    }
  g_assert_true (g_rmdir (directory) == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (sights); i++)
    {
      g_autofree char *path = g_strdup_printf ("/fleet/sight/%s", sights[i].name);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_sight);
    }
  g_test_add_func ("/fleet/signatures-and-verdicts", test_signatures_and_verdicts);
  g_test_add_func ("/fleet/one-class", test_one_class);
  g_test_add_func ("/fleet/split", test_split);
  g_test_add_func ("/fleet/one-way", test_one_way);
  g_test_add_func ("/fleet/outside", test_outside);
  g_test_add_func ("/fleet/empty", test_empty);
  g_test_add_func ("/fleet/groups-of-a-class", test_groups_of_a_class);
  g_test_add_func ("/fleet/find", test_find);
  g_test_add_func ("/fleet/digest", test_digest);
  g_test_add_func ("/fleet/limit", test_limit);
  g_test_add_func ("/fleet/with-another-set/conditions",
                   test_conditions); /* no profile of before is used after */
  return g_test_run ();
}
