// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests: what is read of a domain's XML, and what is found in the way of its migration
 */

#include <accmig/domain.h>

#include <json-glib/json-glib.h>
#include <string.h>

#define GIB ((guint64)1 << 30)

#define VF(function)                                                                                         \
  "<hostdev mode='subsystem' type='pci'><source><address bus='0x75' slot='0' function='" #function           \
  "'/></source></hostdev>"

/* ---- reading ---- */

static const struct
{
  const char *name, *xml;
  AccmigGuest guest;
} texts[] = {
  { "nothing", "", { 0 } },
  { "memory in KiB", "<memory unit='KiB'>4194304</memory>", { .memory = 4 * GIB } },
  { "memory without a unit", "<memory> 4194304\n</memory>", { .memory = 4 * GIB } },
  { "memory in GiB", "<memory unit='G'>4</memory>", { .memory = 4 * GIB } },
  { "memory in GB", "<memory unit='GB'>4</memory>", { .memory = 4000000000 } },
  { "memory in bytes", "<memory unit='bytes'>4096</memory>", { .memory = 4096 } },
  { "memory in elephants", "<memory unit='elephants'>4</memory>", { 0 } },
  { "memory of no number", "<memory>much</memory>", { 0 } },
  { "memory beyond all numbers", "<memory unit='TiB'>18446744073709551615</memory>", { 0 } },
  { "negative memory", "<memory>-4</memory>", { 0 } },
  { "limit",
    "<memory>1048576</memory><memtune><hard_limit unit='MiB'>1024</hard_limit></memtune>",
    { .memory = GIB, .memory_limit = GIB } },
  { "another limit", "<memtune><soft_limit>1024</soft_limit></memtune>", { 0 } },
  { "virtual IOMMU", "<devices><iommu model='intel'/></devices>", { .iommu = TRUE } },
  { "IOMMU in the wrong place", "<iommu model='intel'/>", { 0 } },
  { "vfio-user as text",
    "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-device'/>"
    "<q:arg value='vfio-user-pci,socket=/run/a.sock'/></q:commandline>",
    { .vfio_user = TRUE } },
  { "vfio-user as JSON",
    "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
    "<q:arg value='{\"driver\":\"vfio-user-pci\",\"id\":\"a\"}'/></q:commandline>",
    { .vfio_user = TRUE } },
  { "other arguments",
    "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-device'/>"
    "<q:arg value='vfio-pci,host=0000:75:00.1'/><q:env name='vfio-user-pci' value='1'/></q:commandline>",
    { 0 } },
  { "arguments of nobody", "<commandline><arg value='vfio-user-pci'/></commandline>", { 0 } },
};

static AccmigDomain *
parse (const char *elements)
{
  g_autofree char *xml = g_strdup_printf ("<domain><name>web1</name>%s</domain>", elements);
  g_autoptr (GError) error = NULL;
  AccmigDomain *domain = accmig_domain_new_from_xml (xml, strlen (xml), &error);

  g_assert_no_error (error);
  return domain;
}

static void
test_read (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigDomain) domain = parse (texts[i].xml);
  const AccmigGuest *guest = accmig_domain_get_guest (domain);

  g_assert_cmpint (guest->iommu, ==, texts[i].guest.iommu);
  g_assert_cmpint (guest->vfio_user, ==, texts[i].guest.vfio_user);
  g_assert_cmpuint (guest->memory, ==, texts[i].guest.memory);
  g_assert_cmpuint (guest->memory_limit, ==, texts[i].guest.memory_limit);
}

/* One that stands by for another is gone before the guest moves. */
static void
test_read_transient (void)
{
  g_autoptr (AccmigDomain) domain =
      parse ("<devices><interface type='hostdev'><source><address type='pci' bus='0x75' slot='0' "
             "function='1'/></source>"
             "<teaming type='transient' persistent='ua-net0'/></interface>" VF (2) "</devices>");

  g_assert_true (accmig_domain_get_hostdev (domain, 0)->transient);
  g_assert_false (accmig_domain_get_hostdev (domain, 1)->transient);
}

/* ---- checking ---- */

#define ALL      "7" /* flags: stop-copy, p2p, pre-copy */
#define NO_P2P   "5"
#define NONE     "0"
#define MAX_VFS  4
#define REFUSED  ACCMIG_OUTCOME_INCOMPATIBLE
#define WARNED   ACCMIG_OUTCOME_DEGRADED
#define ACCEPTED ACCMIG_OUTCOME_COMPATIBLE

static const struct
{
  const char *name;
  AccmigGuest guest;
  const char *flags[MAX_VFS]; /* of its devices' profiles; "?" does not say, "-" is no profile */
  guint n_transient;          /* the first of them are */
  gboolean mdevs;
  const char *qemu; /* (nullable): at the source */
  AccmigOutcome outcome;
  const char *rule;     /* (nullable): of the decisive finding */
  const char *sentence; /* (nullable): not looked at */
} checks[] = {
  { "no device", .outcome = ACCEPTED },
  { "one device", .flags = { ALL }, .outcome = ACCEPTED },
  { "one device without p2p", .flags = { NO_P2P }, .outcome = ACCEPTED },
  { "two devices with p2p", .flags = { ALL, ALL }, .outcome = ACCEPTED },
  { "two devices, the second without p2p", .flags = { ALL, NO_P2P }, .outcome = REFUSED, .rule = "guest.p2p",
    .sentence =
        "it has 2 VFIO devices, and 0000:75:00.1 at the source has no p2p: QEMU migrates several only if all "
        "have it" },
  { "two devices, one of which says nothing", .flags = { NO_P2P, "?" }, .outcome = REFUSED,
    .rule = "guest.p2p" },
  { "two devices without p2p on mdevs", .flags = { NO_P2P, NO_P2P }, .mdevs = TRUE, .outcome = REFUSED,
    .rule = "guest.p2p" },
  { "two devices that say nothing", .flags = { "?", "-" }, .outcome = ACCEPTED },
  { "two devices, one of which cannot be migrated at all", .flags = { ALL, NONE }, .outcome = ACCEPTED },
  { "two devices, one of which is gone by then", .flags = { NO_P2P, NO_P2P }, .n_transient = 1,
    .outcome = ACCEPTED },
  { "three devices, one of which is gone by then", .flags = { ALL, ALL, NO_P2P }, .n_transient = 1,
    .outcome = REFUSED, .rule = "guest.p2p" },
  { "virtual IOMMU, QEMU 10", .guest = { .iommu = TRUE }, .flags = { ALL }, .qemu = "10.0.13",
    .outcome = REFUSED, .rule = "guest.iommu",
    .sentence = "it has a virtual IOMMU, and QEMU 10.0.13 of the source migrates no VFIO device behind one" },
  { "virtual IOMMU, QEMU 11.1", .guest = { .iommu = TRUE }, .flags = { ALL }, .qemu = "11.1.0",
    .outcome = WARNED, .rule = "guest.iommu" },
  { "virtual IOMMU, unknown QEMU", .guest = { .iommu = TRUE }, .flags = { ALL }, .outcome = WARNED,
    .rule = "guest.iommu" },
  { "virtual IOMMU, unreadable QEMU", .guest = { .iommu = TRUE }, .flags = { ALL }, .qemu = "git",
    .outcome = WARNED, .rule = "guest.iommu" },
  { "virtual IOMMU, no profile", .guest = { .iommu = TRUE }, .flags = { "-" }, .outcome = WARNED,
    .rule = "guest.iommu" },
  { "virtual IOMMU before nothing", .guest = { .iommu = TRUE }, .outcome = ACCEPTED },
  { "virtual IOMMU before what is gone by then", .guest = { .iommu = TRUE }, .flags = { ALL },
    .n_transient = 1, .outcome = ACCEPTED },
  { "vfio-user", .guest = { .vfio_user = TRUE }, .outcome = REFUSED, .rule = "guest.vfio-user",
    .sentence =
        "it has a vfio-user device: QEMU migrates the guest without a word and leaves the device's state "
        "behind" },
  { "vfio-user and others", .guest = { .vfio_user = TRUE, .iommu = TRUE }, .flags = { NO_P2P, NO_P2P },
    .outcome = REFUSED, .rule = "guest.vfio-user" },
  { "limit", .guest = { .memory = 4 * GIB, .memory_limit = 4 * GIB }, .flags = { ALL }, .outcome = WARNED,
    .rule = "guest.memory-limit",
    .sentence = "its <hard_limit> lets QEMU lock 4096 MiB, and 4096 MiB of RAM have to be locked for its "
                "VFIO devices: "
                "the guest may not start" },
  { "limit just too low", .guest = { .memory = 4 * GIB, .memory_limit = 5 * GIB - 1 }, .flags = { ALL },
    .outcome = WARNED, .rule = "guest.memory-limit" },
  { "limit just high enough", .guest = { .memory = 4 * GIB, .memory_limit = 5 * GIB }, .flags = { ALL },
    .outcome = ACCEPTED },
  { "limit without memory", .guest = { .memory_limit = 1 }, .flags = { ALL }, .outcome = ACCEPTED },
  { "limit and memory without end", .guest = { .memory = G_MAXUINT64, .memory_limit = 1 }, .flags = { ALL },
    .outcome = ACCEPTED },
  { "limit of an mdev's guest", .guest = { .memory = 4 * GIB, .memory_limit = 1 }, .flags = { ALL },
    .mdevs = TRUE, .outcome = ACCEPTED },
};

/* @flags: as in the table. Returns: (transfer full) (nullable) */
static AccmigProfile *
make_profile (guint number, const char *flags, const char *qemu)
{
  g_autofree char *said =
      g_strcmp0 (flags, "?") != 0 ? g_strdup_printf (",\"flags\":%s", flags) : g_strdup ("");
  g_autofree char *host = qemu != NULL ? g_strdup_printf ("\"qemu\":\"%s\"", qemu) : g_strdup ("");
  g_autofree char *text = g_strdup_printf (
      "{\"format\":\"accmig-profile/1\",\"host\":{%s},\"device\":{\"address\":\"0000:75:00.%u\","
      "\"kind\":\"pci\",\"family\":\"generic\"%s}}",
      host, number, said);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = NULL;

  if (g_strcmp0 (flags, "-") == 0)
    return NULL;
  profile = accmig_profile_new_from_json (text, -1, &error);
  g_assert_no_error (error);
  return profile;
}

static AccmigVerdict *
check (gsize i)
{
  AccmigGuestDevice devices[MAX_VFS];
  AccmigVerdict *verdict = NULL;
  guint n = 0;

  for (; n < MAX_VFS && checks[i].flags[n] != NULL; n++)
    devices[n] = (AccmigGuestDevice){
      .kind = checks[i].mdevs ? ACCMIG_KIND_MDEV : ACCMIG_KIND_PCI,
      .transient = n < checks[i].n_transient,
      .profile = make_profile (n, checks[i].flags[n], checks[i].qemu),
    };
  verdict = accmig_guest_check (&checks[i].guest, devices, n);
  while (n > 0)
    accmig_profile_unref ((AccmigProfile *)devices[--n].profile);
  return verdict;
}

static void
test_check (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigVerdict) verdict = check (i);
  const AccmigFinding *decisive = accmig_verdict_get_decisive (verdict);

  g_assert_cmpint (accmig_verdict_get_outcome (verdict), ==, checks[i].outcome);
  g_assert_cmpstr (decisive != NULL ? decisive->rule : NULL, ==, checks[i].rule);
  if (checks[i].sentence != NULL)
    g_assert_cmpstr (decisive->sentence, ==, checks[i].sentence);
  if (decisive != NULL)
    g_assert_cmpstr (decisive->remedy, !=, "");
}

/* Everything at once is told at once, and as a document. */
static void
test_json (void)
{
  static const AccmigGuest guest = { .iommu = TRUE, .vfio_user = TRUE, .memory = GIB, .memory_limit = GIB };
  g_autoptr (AccmigProfile) profile = make_profile (1, NO_P2P, NULL);
  const AccmigGuestDevice devices[] = { { .profile = profile }, { .profile = profile } };
  g_autoptr (AccmigVerdict) verdict = accmig_guest_check (&guest, devices, G_N_ELEMENTS (devices));
  g_autofree char *text = accmig_verdict_to_json (verdict);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonObject *object = json_node_get_object (node);

  g_assert_cmpuint (accmig_verdict_get_n_findings (verdict), ==, 4);
  g_assert_cmpstr (json_object_get_string_member (object, "outcome"), ==, "incompatible");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "findings")), ==, 4);
  g_assert_false (json_object_has_member (object, "source-digest"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = g_strconcat ("/guest/read/", texts[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_read);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      g_autofree char *path = g_strconcat ("/guest/check/", checks[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_check);
    }
  g_test_add_func ("/guest/read-transient", test_read_transient);
  g_test_add_func ("/guest/json", test_json);
  return g_test_run ();
}
