// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domain XML: what is read, what is written, and what is refused without a word on stderr.
 */

#include <accmig/domain.h>

#include <string.h>

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define MDEV "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

/* As libvirt prints it, in its order: interfaces first. */
static const char guest[] =
    "<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
    "  <name>web &amp; more</name>\n"
    "  <uuid>6695EB01-f6a4-8304-79aa-97f2502e193f</uuid>\n"
    "  <metadata>\n"
    "    <other:devices xmlns:other='urn:other'><other:device "
    "alias='hostdev0'>no</other:device></other:devices>\n"
    "    <accmig:devices xmlns:accmig='urn:accmig:1' token='b3c1'>\n"
    "      <accmig:device alias='hostdev0'>{\"a\":\"&lt;1&gt;\"}</accmig:device>\n"
    "      <accmig:device alias='hostdev2'>{\"b\":2}</accmig:device>\n"
    "      <accmig:device alias='hostdev9'>{\"gone\":1}</accmig:device>\n"
    "    </accmig:devices>\n"
    "  </metadata>\n"
    "  <devices>\n"
    "    <graphics type='vnc' passwd='secret'/>\n"
    "    <interface type='network'><source network='default'/></interface>\n"
    "    <interface type='hostdev' managed='yes'>\n"
    "      <source><address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x2'/></source>\n"
    "      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
    "    </interface>\n"
    "    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>\n"
    "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
    "      <driver name='vfio'/>\n"
    "      <source><address domain='0x0000' bus='0x75' slot='0x00' function='0x1'/></source>\n"
    "      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>\n"
    "    </hostdev>\n"
    "    <hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'>\n"
    "      <source><address uuid='83B8F4F2-509f-382f-3c1e-e6bfe0fa1001'/></source>\n"
    "      <alias name='ua-vf0'/>\n"
    "    </hostdev>\n"
    "    <hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>\n"
    "    <hostdev mode='subsystem' type='pci'>\n"
    "      <driver name='xen'/>\n"
    "      <source><address bus='0x76' slot='0x00' function='0x1'/></source>\n"
    "    </hostdev>\n"
    "    <hostdev mode='subsystem' type='pci'>\n"
    "      <source><address bus='017' slot='3' function='0x7'/></source>\n"
    "      <alias name='hostdev8'/>\n"
    "    </hostdev>\n"
    "  </devices>\n"
    "</domain>\n";

static AccmigDomain *
parse (const char *xml)
{
  g_autoptr (GError) error = NULL;
  AccmigDomain *domain = accmig_domain_new_from_xml (xml, strlen (xml), &error);

  g_assert_no_error (error);
  g_assert_nonnull (domain);
  return domain;
}

static void
check_refused (const char *xml, gsize length, int code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (accmig_domain_new_from_xml (xml, length, &error));
  g_assert_error (error, ACCMIG_ERROR, code);
  if (message != NULL)
    g_assert_cmpstr (error->message, ==, message);
  g_assert_null (strchr (error->message, '\n'));
}

/* ---- reading --------------------------------------------------------------------------------- */

static const AccmigHostdev wanted[] = {
  /* numbered: the interface 0, USB 1, the first pci 2, [ua-vf0], capabilities 3, xen 4, the last 5 */
  { "hostdev0", "hostdev0", ACCMIG_KIND_PCI, "0000:03:10.2", TRUE, "{\"a\":\"<1>\"}" },
  { "hostdev2", "hostdev2", ACCMIG_KIND_PCI, "0000:75:00.1", TRUE, "{\"b\":2}" },
  { "ua-vf0", "ua-vf0", ACCMIG_KIND_MDEV, MDEV, FALSE, NULL },
  { "hostdev8", "hostdev5", ACCMIG_KIND_PCI, "0000:0f:03.7", FALSE, NULL },
};

static void
test_read (void)
{
  g_autoptr (AccmigDomain) domain = parse (guest);

  g_assert_cmpstr (accmig_domain_get_name (domain), ==, "web & more");
  g_assert_cmpstr (accmig_domain_get_uuid (domain), ==, UUID);
  g_assert_cmpstr (accmig_domain_get_token (domain), ==, "b3c1");
  g_assert_true (accmig_domain_has_metadata (domain));
  g_assert_cmpuint (accmig_domain_get_n_hostdevs (domain), ==, G_N_ELEMENTS (wanted));
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      const AccmigHostdev *got = accmig_domain_get_hostdev (domain, i);

      g_assert_cmpstr (got->alias, ==, wanted[i].alias);
      g_assert_cmpstr (got->key, ==, wanted[i].key);
      g_assert_cmpint (got->kind, ==, wanted[i].kind);
      g_assert_cmpstr (got->address, ==, wanted[i].address);
      g_assert_cmpint (got->managed, ==, wanted[i].managed);
      g_assert_cmpstr (got->profile, ==, wanted[i].profile);
    }
}

static void
test_least (void)
{
  g_autoptr (AccmigDomain) domain = parse ("<domain><name>x</name></domain>");

  g_assert_cmpstr (accmig_domain_get_name (domain), ==, "x");
  g_assert_null (accmig_domain_get_uuid (domain));
  g_assert_null (accmig_domain_get_token (domain));
  g_assert_null (accmig_domain_get_host (domain));
  g_assert_false (accmig_domain_has_metadata (domain));
  g_assert_cmpuint (accmig_domain_get_n_hostdevs (domain), ==, 0);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
test_set_source_bad (void)
{
  static const struct
  {
    gsize index;
    const char *address;
  } rows[] = {
    { 1, "" },          { 1, "0000:75:00.8" }, { 1, "0000:75:00.1'/><x" },
    { 1, "../../etc" }, { 1, MDEV },           { 2, "0000:75:00.1" },
  };
  g_autoptr (AccmigDomain) domain = parse (guest);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (accmig_domain_set_source (domain, rows[i].index, rows[i].address, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_cmpstr (accmig_domain_get_hostdev (domain, rows[i].index)->address, ==,
                       wanted[rows[i].index].address);
    }
}

/* What we format is what we read, in the form in which libvirt gives it back. */
static void
test_metadata (void)
{
  static const char *const keys[] = { "hostdev0", "ua-vf0" };
  static const char *const profiles[] = { "{\"k\":\"<&'>\"}", "{}" };
  g_autofree char *text = accmig_metadata_format ("t1", "cn-01.example", keys, profiles, 2);
  g_autoptr (GString) xml = g_string_new (guest);
  g_autoptr (AccmigDomain) domain = NULL;
  const char *from = strstr (guest, "<accmig:devices"), *to = strstr (guest, "</accmig:devices>");

  g_assert_cmpstr (text, ==,
                   "<devices token=\"t1\" host=\"cn-01.example\"><device "
                   "alias=\"hostdev0\">{&quot;k&quot;:&quot;&lt;&amp;&apos;&gt;&quot;}</device>"
                   "<device alias=\"ua-vf0\">{}</device></devices>");
  g_string_erase (xml, from - guest, to - from + (gssize)strlen ("</accmig:devices>"));
  g_string_insert (xml, from - guest, text);
  g_string_replace (xml, "<devices token", "<devices xmlns='urn:accmig:1' token", 1);
  domain = parse (xml->str);
  g_assert_cmpstr (accmig_domain_get_token (domain), ==, "t1");
  g_assert_cmpstr (accmig_domain_get_host (domain), ==, "cn-01.example");
  g_assert_cmpstr (accmig_domain_get_hostdev (domain, 0)->profile, ==, profiles[0]);
  g_assert_null (accmig_domain_get_hostdev (domain, 1)->profile);
  g_assert_cmpstr (accmig_domain_get_hostdev (domain, 2)->profile, ==, profiles[1]);
}

/* What a stranger may have written there. @written: as it stands in the XML */
static const struct
{
  const char *written;
  gboolean good;
} hosts[] = {
  { "h", TRUE },        { "cn01", TRUE },  { "9-a_b.example", TRUE }, { "h.", TRUE },
  { "", FALSE },        { " h", FALSE },   { "h h", FALSE },          { "-oProxyCommand=reboot", FALSE },
  { "--", FALSE },      { ".h", FALSE },   { "_h", FALSE },           { "root@h", FALSE },
  { "h:22", FALSE },    { "h/..", FALSE }, { "h%h", FALSE },          { "h,g", FALSE },
  { "h&#10;g", FALSE }, { "$(h)", FALSE }, { "hö", FALSE },
};

static AccmigDomain *
parse_with_host (const char *written)
{
  g_autofree char *xml =
      g_strdup_printf ("<domain><name>x</name><metadata><devices xmlns='urn:accmig:1' token='t1' host='%s'/>"
                       "</metadata></domain>",
                       written);

  return parse (xml);
}

/* A name that is none is as good as absent, and spoils nothing else. */
static void
test_hosts (void)
{
  g_autofree char *longest = g_strnfill (ACCMIG_HOST_MAX_LENGTH, 'a');
  g_autofree char *longer = g_strnfill (ACCMIG_HOST_MAX_LENGTH + 1, 'a');

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (AccmigDomain) domain = parse_with_host (hosts[i].written);

      g_test_message ("“%s”", hosts[i].written);
      g_assert_cmpstr (accmig_domain_get_host (domain), ==, hosts[i].good ? hosts[i].written : NULL);
      g_assert_cmpstr (accmig_domain_get_token (domain), ==, "t1");
    }
  g_assert_true (accmig_host_is_valid (longest));
  g_assert_false (accmig_host_is_valid (longer));
  g_assert_false (accmig_host_is_valid (NULL));
}

/* A host without a usable name writes none. */
static void
test_metadata_without_host (void)
{
  g_autofree char *none = accmig_metadata_format ("t1", NULL, NULL, NULL, 0);
  g_autofree char *bad = accmig_metadata_format ("t1", "a\" b", NULL, NULL, 0);

  g_assert_cmpstr (none, ==, "<devices token=\"t1\"></devices>");
  g_assert_cmpstr (bad, ==, none);
}

static void
test_alias (void)
{
  g_autofree char *longest = g_strnfill (ACCMIG_ALIAS_MAX_LENGTH, 'a');
  g_autofree char *longer = g_strnfill (ACCMIG_ALIAS_MAX_LENGTH + 1, 'a');

  g_assert_true (accmig_alias_is_valid ("hostdev0"));
  g_assert_true (accmig_alias_is_valid ("ua-my_vf.1"));
  g_assert_true (accmig_alias_is_valid (longest));
  g_assert_false (accmig_alias_is_valid (longer));
  g_assert_false (accmig_alias_is_valid (NULL));
  g_assert_false (accmig_alias_is_valid (""));
  g_assert_false (accmig_alias_is_valid ("a b"));
  g_assert_false (accmig_alias_is_valid ("a/b"));
  g_assert_false (accmig_alias_is_valid ("ä"));
}

/* ---- refusals -------------------------------------------------------------------------------- */

#define HEAD           "<domain><name>x</name>"
#define DOMAIN(inner)  HEAD inner "</domain>"
#define DEVICES(inner) DOMAIN ("<devices>" inner "</devices>")
#define PCI(attributes)                                                                                      \
  DEVICES ("<hostdev mode='subsystem' type='pci'><source><address " attributes "/></source></hostdev>")
#define ONE             "<hostdev mode='subsystem' type='mdev'><source><address uuid='" MDEV "'/></source>"
#define METADATA(inner) "<metadata><devices xmlns='urn:accmig:1'" inner "</devices></metadata>"
#define NO_ADDRESS      "domain XML: hostdev0 has no valid pci address in its <source>"
#define BAD_NAME        "domain XML: the name must be 1 to 255 bytes without '/' and control characters"
#define HAS_DTD         "domain XML: has a document type declaration, must have none"

static const struct
{
  const char *name;
  const char *xml;
  const char *message; /* NULL: whatever libxml2 finds */
} refused[] = {
  { "empty", "", "domain XML: empty" },
  { "white space", "  \n ", NULL },
  { "text", "hello", NULL },
  { "cut off", "<domain><name>x</na", NULL },
  { "two roots", "<domain><name>x</name></domain><domain/>", NULL },
  { "undeclared entity", DOMAIN ("&x;"), NULL },
  { "attribute without quotes", DOMAIN ("<a b=1/>"), NULL },
  { "other root", "<volume><name>x</name></volume>", "domain XML: the root element is not <domain>" },
  { "root in a namespace", "<domain xmlns='urn:x'><name>x</name></domain>",
    "domain XML: the root element is not <domain>" },
  { "no name", "<domain/>", "domain XML: has no <name>" },
  { "empty name", "<domain><name/></domain>", BAD_NAME },
  { "name with slash", "<domain><name>../x</name></domain>", BAD_NAME },
  { "name of two lines", "<domain><name>a&#10;b</name></domain>", BAD_NAME },
  { "bad uuid", DOMAIN ("<uuid>x</uuid>"), "domain XML: the <uuid> of x is none" },
  { "doctype", "<!DOCTYPE domain>" DOMAIN (""), HAS_DTD },
  { "external subset", "<!DOCTYPE domain SYSTEM 'http://192.0.2.1/x'>" DOMAIN (""), HAS_DTD },
  { "external entity",
    "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain><name>&e;</name></domain>", HAS_DTD },
  { "parameter entity", "<!DOCTYPE d [<!ENTITY % e SYSTEM 'file:///etc/passwd'>%e;]>" DOMAIN (""), HAS_DTD },
  { "entity bomb",
    "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
    "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
    "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
    "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>]><domain><name>&g;&g;&g;&g;</name></domain>",
    HAS_DTD },
  { "no source", DEVICES ("<hostdev mode='subsystem' type='pci'/>"), NO_ADDRESS },
  { "no bus", PCI ("slot='0' function='0'"), NO_ADDRESS },
  { "bus too large", PCI ("bus='0x100' slot='0' function='0'"), NO_ADDRESS },
  { "slot too large", PCI ("bus='0' slot='0x20' function='0'"), NO_ADDRESS },
  { "function too large", PCI ("bus='0' slot='0' function='8'"), NO_ADDRESS },
  { "domain too large", PCI ("domain='0x100000000' bus='0' slot='0' function='0'"), NO_ADDRESS },
  { "negative", PCI ("bus='-1' slot='0' function='0'"), NO_ADDRESS },
  { "two signs", PCI ("bus='0x0x1' slot='0' function='0'"), NO_ADDRESS },
  { "no digits", PCI ("bus='0x' slot='0' function='0'"), NO_ADDRESS },
  { "with blank", PCI ("bus=' 1' slot='0' function='0'"), NO_ADDRESS },
  { "no octal", PCI ("bus='08' slot='0' function='0'"), NO_ADDRESS },
  { "bad mdev",
    DEVICES ("<hostdev mode='subsystem' type='mdev'><source><address uuid='../x'/></source></hostdev>"),
    "domain XML: hostdev0 has no valid mdev address in its <source>" },
  { "bad alias", DEVICES (ONE "<alias name='a b'/></hostdev>"),
    "domain XML: the hostdev on line 1 has an alias that is none" },
  { "alias twice", DEVICES (ONE "<alias name='ua-x'/></hostdev>" ONE "<alias name='ua-x'/></hostdev>"),
    "domain XML: two hostdevs have the alias ua-x" },
  { "two profiles",
    HEAD METADATA (
        "><device alias='hostdev0'>1</device><device alias='hostdev0'>2</device>") "<devices>" ONE
                                                                                   "</hostdev></devices></"
                                                                                   "domain>",
    "domain XML: metadata has two profiles for hostdev0" },
  { "profile without alias", DOMAIN (METADATA ("><device>1</device>")),
    "domain XML: metadata on line 1 has no valid alias" },
  { "bad token", DOMAIN (METADATA (" token='a b'>")), "domain XML: the token in the metadata is none" },
};

static void
test_refused (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);

  check_refused (refused[i].xml, strlen (refused[i].xml), ACCMIG_ERROR_INVALID, refused[i].message);
}

static void
test_bytes (void)
{
  static const char latin1[] =
      "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xe4</name></domain>";
  static const char nul[] = "<domain><name>a\0b</name></domain>";
  static const char overlong[] = "<domain><name>\xc0\xaf</name></domain>";
  static const char surrogate[] = "<domain><name>\xed\xa0\x80</name></domain>";
  static const char utf16[] = "\xff\xfe<\0d\0/\0>\0";
  static const char claimed[] = "<?xml version='1.0' encoding='UTF-7'?><domain><name>x</name></domain>";
  g_autoptr (AccmigDomain) domain = NULL;

  check_refused (latin1, sizeof latin1 - 1, ACCMIG_ERROR_INVALID, "domain XML: byte 57 is not UTF-8");
  check_refused (nul, sizeof nul - 1, ACCMIG_ERROR_INVALID, "domain XML: byte 15 is not UTF-8");
  check_refused (overlong, sizeof overlong - 1, ACCMIG_ERROR_INVALID, "domain XML: byte 14 is not UTF-8");
  check_refused (surrogate, sizeof surrogate - 1, ACCMIG_ERROR_INVALID, "domain XML: byte 14 is not UTF-8");
  check_refused (utf16, sizeof utf16 - 1, ACCMIG_ERROR_INVALID, "domain XML: byte 0 is not UTF-8");
  domain = parse (claimed);
  g_assert_cmpstr (accmig_domain_get_name (domain), ==, "x");
}

/* A document of @depth elements, the root included. */
static char *
nested (guint depth)
{
  g_autoptr (GString) xml = g_string_new (HEAD);

  for (guint i = 1; i < depth; i++)
    g_string_append (xml, "<a>");
  for (guint i = 1; i < depth; i++)
    g_string_append (xml, "</a>");
  g_string_append (xml, "</domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static void
test_depth (void)
{
  static const guint too_deep[] = { ACCMIG_DOMAIN_MAX_DEPTH + 1, 300, 100000 };
  g_autofree char *deepest = nested (ACCMIG_DOMAIN_MAX_DEPTH);
  g_autoptr (AccmigDomain) domain = parse (deepest);

  g_assert_cmpstr (accmig_domain_get_name (domain), ==, "x");
  for (gsize i = 0; i < G_N_ELEMENTS (too_deep); i++)
    {
      g_autofree char *xml = nested (too_deep[i]);

      check_refused (xml, strlen (xml), ACCMIG_ERROR_LIMIT, "domain XML: elements are nested deeper than 64");
    }
}

static void
test_size (void)
{
  g_autoptr (GString) xml = g_string_new (HEAD);
  g_autoptr (AccmigDomain) domain = NULL;
  gsize tail = strlen ("</domain>");

  while (xml->len + tail < ACCMIG_DOMAIN_MAX_SIZE)
    g_string_append_c (xml, ' ');
  g_string_append (xml, "</domain>");
  g_assert_cmpuint (xml->len, ==, ACCMIG_DOMAIN_MAX_SIZE);
  domain = parse (xml->str);
  g_string_append_c (xml, '\n');
  check_refused (xml->str, xml->len, ACCMIG_ERROR_LIMIT, "domain XML: 1048577 bytes, at most 1048576");
}

static char *
with_attributes (guint n, const char *separator)
{
  g_autoptr (GString) xml = g_string_new ("<domain><name>x</name><a");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (xml, " a%u=%s", i, separator);
  g_string_append (xml, "/></domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

/* Also where a comment or a value makes a hasty scanner lose its place. */
static void
test_attributes (void)
{
  g_autofree char *most = with_attributes (256, "'>'");
  g_autofree char *more = with_attributes (257, "'>'");
  g_autofree char *many = with_attributes (70000, "\"'>\"");
  g_autofree char *hidden = g_strconcat ("<!-- ' -->", more, NULL);
  g_autofree char *harmless = g_strdup (DOMAIN ("<!-- a=b=c ' --><title>it's 1=1=1</title><b c='d=e=f'/>"));
  g_autoptr (AccmigDomain) first = parse (most);
  g_autoptr (AccmigDomain) second = parse (harmless);
  const char *message = "domain XML: an element has more than 256 attributes";

  g_assert_cmpstr (accmig_domain_get_name (first), ==, "x");
  g_assert_cmpstr (accmig_domain_get_name (second), ==, "x");
  check_refused (more, strlen (more), ACCMIG_ERROR_LIMIT, message);
  check_refused (many, strlen (many), ACCMIG_ERROR_LIMIT, message);
  check_refused (hidden, strlen (hidden), ACCMIG_ERROR_LIMIT, message);
}

/* A namespace on each of @depth nested elements, @more on each of as many empty ones inside. */
static char *
with_namespaces (guint depth, guint more)
{
  g_autoptr (GString) xml = g_string_new (HEAD);

  for (guint i = 0; i < depth; i++)
    g_string_append_printf (xml, "<a xmlns:n%u='urn:%u'>", i, i);
  for (guint i = 0; i < more; i++)
    g_string_append (xml, "<b xmlns='urn:b'/>");
  for (guint i = 0; i < depth; i++)
    g_string_append (xml, "</a>");
  g_string_append (xml, "</domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

/* As many as the size lets in, on as many elements as the depth lets in, and prefixes to look up. */
static char *
with_namespaces_everywhere (void)
{
  g_autoptr (GString) xml = g_string_new (HEAD);
  guint n = 0;

  for (guint depth = 1; depth < ACCMIG_DOMAIN_MAX_DEPTH - 1; depth++)
    {
      g_string_append (xml, "<a");
      for (guint i = 0; i < 250; i++)
        g_string_append_printf (xml, " xmlns:n%x='u'", n++);
      g_string_append_c (xml, '>');
    }
  while (xml->len < ACCMIG_DOMAIN_MAX_SIZE - 1000)
    g_string_append (xml, "<n0:b/>");
  for (guint depth = 1; depth < ACCMIG_DOMAIN_MAX_DEPTH - 1; depth++)
    g_string_append (xml, "</a>");
  g_string_append (xml, "</domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static void
test_namespaces (void)
{
  g_autofree char *most = with_namespaces (60, 4);
  g_autofree char *nested_more = with_namespaces (61, 4);
  g_autofree char *more = with_namespaces (0, 65);
  g_autofree char *everywhere = with_namespaces_everywhere ();
  g_autoptr (AccmigDomain) domain = parse (most);
  const char *message = "domain XML: more than 64 namespace declarations";

  g_assert_cmpstr (accmig_domain_get_name (domain), ==, "x");
  check_refused (nested_more, strlen (nested_more), ACCMIG_ERROR_LIMIT, message);
  check_refused (more, strlen (more), ACCMIG_ERROR_LIMIT, message);
  check_refused (everywhere, strlen (everywhere), ACCMIG_ERROR_LIMIT, message);
}

static char *
with_hostdevs (guint n)
{
  g_autoptr (GString) xml = g_string_new (HEAD "<devices>");

  for (guint i = 0; i < n; i++)
    g_string_append (xml, ONE "</hostdev>");
  g_string_append (xml, "</devices></domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static void
test_hostdevs (void)
{
  g_autofree char *most = with_hostdevs (ACCMIG_DOMAIN_MAX_HOSTDEVS);
  g_autofree char *more = with_hostdevs (ACCMIG_DOMAIN_MAX_HOSTDEVS + 1);
  g_autoptr (AccmigDomain) domain = parse (most);

  g_assert_cmpstr (accmig_domain_get_hostdev (domain, 63)->key, ==, "hostdev63");
  check_refused (more, strlen (more), ACCMIG_ERROR_LIMIT, "domain XML: more than 64 VFIO hostdevs");
}

/* ---- noise ----------------------------------------------------------------------------------- */

static void
test_noise (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autofree char *bytes = g_malloc (ACCMIG_DOMAIN_MAX_SIZE);

  for (gsize i = 0; i < ACCMIG_DOMAIN_MAX_SIZE; i++)
    bytes[i] = (char)g_rand_int_range (rand, 0, 256);
  check_refused (bytes, ACCMIG_DOMAIN_MAX_SIZE, ACCMIG_ERROR_INVALID, NULL);
  for (gsize i = 0; i < ACCMIG_DOMAIN_MAX_SIZE; i++)
    bytes[i] = "<>&;'\"=/a!-[]? "[g_rand_int_range (rand, 0, 15)];
  g_assert_null (accmig_domain_new_from_xml (bytes, ACCMIG_DOMAIN_MAX_SIZE, NULL));
}

/* A few bytes of a good document changed: whatever comes out can be asked and written. */
static void
test_damage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  guint accepted = 0;

  for (int i = 0; i < 5000; i++)
    {
      g_autofree char *bytes = g_strdup (guest);
      g_autoptr (AccmigDomain) domain = NULL;
      g_autofree char *xml = NULL;

      for (int n = g_rand_int_range (rand, 1, 4); n > 0; n--)
        bytes[g_rand_int_range (rand, 0, sizeof guest - 1)] = (char)g_rand_int_range (rand, 0, 256);
      domain = accmig_domain_new_from_xml (bytes, sizeof guest - 1, NULL);
      if (domain == NULL)
        continue;
      accepted++;
      for (gsize h = 0; h < accmig_domain_get_n_hostdevs (domain); h++)
        (void)accmig_domain_set_source (domain, h, "0000:01:00.0", NULL);
      xml = accmig_domain_to_xml (domain, NULL);
      g_assert_cmpint (xml[0], ==, '<');
    }
  g_assert_cmpuint (accepted, >, 100);
}

/* libxml2 likes to talk; in a daemon and in a hook it must not. */
static void
test_silence (void)
{
  if (g_test_subprocess ())
    {
      for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
        test_refused (GSIZE_TO_POINTER (i));
      test_bytes ();
      test_depth ();
      test_noise ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain/read", test_read);
  g_test_add_func ("/domain/least", test_least);
  g_test_add_func ("/domain/set-source/bad", test_set_source_bad);
  g_test_add_func ("/domain/metadata", test_metadata);
  g_test_add_func ("/domain/metadata/without-host", test_metadata_without_host);
  g_test_add_func ("/domain/hosts", test_hosts);
  g_test_add_func ("/domain/alias", test_alias);
  g_test_add_func ("/domain/limit/bytes", test_bytes);
  g_test_add_func ("/domain/limit/depth", test_depth);
  g_test_add_func ("/domain/limit/size", test_size);
  g_test_add_func ("/domain/limit/attributes", test_attributes);
  g_test_add_func ("/domain/limit/namespaces", test_namespaces);
  g_test_add_func ("/domain/limit/hostdevs", test_hostdevs);
  g_test_add_func ("/domain/noise", test_noise);
  g_test_add_func ("/domain/damage", test_damage);
  g_test_add_func ("/domain/silence", test_silence);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *name = g_strdup_printf ("/domain/refused/%s", refused[i].name);

      g_test_add_data_func (name, GSIZE_TO_POINTER (i), test_refused);
    }
  return g_test_run ();
}
