// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing domain XML: the addresses, and nothing but the addresses.
 */

#include <accmig/domain.h>

#include <string.h>

#define MDEV       "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define OTHER_MDEV "00000000-0000-0000-0000-00000000000a"

#define HOSTDEV(inside) "<hostdev mode='subsystem' type='pci'>" inside "</hostdev>"
#define SOURCE(tag)     HOSTDEV ("<source>" tag "</source>")
#define GUEST(devices)  "<domain><name>x</name><devices>" devices "</devices></domain>"

static AccmigDomain *
parse (const char *xml, gsize length)
{
  g_autoptr (GError) error = NULL;
  AccmigDomain *domain = accmig_domain_new_from_xml (xml, length, &error);

  g_assert_no_error (error);
  return domain;
}

static void
check_addresses (const char *xml, const char *const *addresses, gsize n)
{
  g_autoptr (AccmigDomain) domain = parse (xml, strlen (xml));

  g_assert_cmpuint (accmig_domain_get_n_hostdevs (domain), ==, n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpstr (accmig_domain_get_hostdev (domain, i)->address, ==, addresses[i]);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* One hostdev gets @address. */
static const struct
{
  const char *name;
  const char *before;
  const char *address;
  const char *after;
} rows[] = {
  { "plain", GUEST (SOURCE ("<address domain='0x0000' bus='0x75' slot='0x00' function='0x1'/>")),
    "0000:75:00.3", GUEST (SOURCE ("<address domain='0x0000' bus='0x75' slot='0x00' function='0x3'/>")) },
  { "same address", GUEST (SOURCE ("<address bus='117' slot='00' function='0X1' />")), "0000:75:00.1",
    GUEST (SOURCE ("<address bus='117' slot='00' function='0X1' />")) },
  { "only what differs", GUEST (SOURCE ("<address bus='0165' slot='0' function='1'/>")), "0000:75:01.1",
    GUEST (SOURCE ("<address bus='0165' slot='0x01' function='1'/>")) },
  { "double quotes", GUEST (SOURCE ("<address domain=\"0\" bus=\"0x1\" slot=\"0x1f\" function=\"0\"/>")),
    "0001:75:00.3",
    GUEST (SOURCE ("<address domain=\"0x0001\" bus=\"0x75\" slot=\"0x00\" function=\"0x3\"/>")) },
  { "mixed quotes, other order", GUEST (SOURCE ("<address function='1' bus=\"2\"  slot = '3'\n/>")),
    "0000:75:00.3", GUEST (SOURCE ("<address function='0x3' bus=\"0x75\"  slot = '0x00'\n/>")) },
  { "no domain", GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")), "0001:01:02.3",
    GUEST (SOURCE ("<address domain='0x0001' bus='1' slot='2' function='3'/>")) },
  { "large domain", GUEST (SOURCE ("<address domain='0' bus='1' slot='2' function='3'/>")), "10000:01:02.3",
    GUEST (SOURCE ("<address domain='0x10000' bus='1' slot='2' function='3'/>")) },
  { "lines", GUEST (SOURCE ("<address\r\n\tbus='1'\r\n\tslot='2'\r\n\tfunction='3'\r\n/>\r\n")),
    "0000:01:02.4", GUEST (SOURCE ("<address\r\n\tbus='1'\r\n\tslot='2'\r\n\tfunction='0x4'\r\n/>\r\n")) },
  { "end tag", GUEST (SOURCE ("<address bus='1' slot='2' function='3'></address>")), "0000:01:02.4",
    GUEST (SOURCE ("<address bus='1' slot='2' function='0x4'></address>")) },
  { "characters by number", GUEST (SOURCE ("<address bus='&#x31;' slot='2' function='&#51;'/>")),
    "0000:01:02.4", GUEST (SOURCE ("<address bus='&#x31;' slot='2' function='0x4'/>")) },
  { "values that look like tags",
    GUEST (SOURCE ("<address x='bus=&lt;\"1\"/>' bus='1' slot='2' y=\"function='3'\" "
                   "function='3'/>")),
    "0000:01:02.4",
    GUEST (SOURCE ("<address x='bus=&lt;\"1\"/>' bus='1' slot='2' y=\"function='3'\" function='0x4'/>")) },
  { "namespaces",
    GUEST (SOURCE ("<address xmlns:n='urn:n' n:function='7' n:bus='9' bus='1' slot='2' function='3'/>")),
    "0000:0a:02.4",
    GUEST (
        SOURCE ("<address xmlns:n='urn:n' n:function='7' n:bus='9' bus='0x0a' slot='2' function='0x4'/>")) },
  { "names that begin alike",
    GUEST (SOURCE ("<address bus2='9' bus='1' slot='2' functions='9' function='3'/>")), "0000:0a:02.4",
    GUEST (SOURCE ("<address bus2='9' bus='0x0a' slot='2' functions='9' function='0x4'/>")) },
  { "comments",
    GUEST ("<!-- " SOURCE ("<address bus='1' slot='2' function='3'/>") " -->" SOURCE (
        "<!-- <address bus='1' slot='2' function='3'/> --><address bus='1' slot='2' function='3'/>")),
    "0000:01:02.4",
    GUEST ("<!-- " SOURCE ("<address bus='1' slot='2' function='3'/>") " -->" SOURCE (
        "<!-- <address bus='1' slot='2' function='3'/> --><address bus='1' slot='2' function='0x4'/>")) },
  { "character data",
    GUEST ("<![CDATA[<address bus='1' slot='2' function='3'/>]]>" SOURCE (
        "<![CDATA[<source>]]><address bus='1' slot='2' function='3'/>")),
    "0000:01:02.4",
    GUEST ("<![CDATA[<address bus='1' slot='2' function='3'/>]]>" SOURCE (
        "<![CDATA[<source>]]><address bus='1' slot='2' function='0x4'/>")) },
  { "processing instruction",
    GUEST ("<?x <address bus='1'?>" SOURCE ("<address bus='1' slot='2' function='3'/>")), "0000:01:02.4",
    GUEST ("<?x <address bus='1'?>" SOURCE ("<address bus='1' slot='2' function='0x4'/>")) },
  { "more than one byte a character",
    GUEST ("<t>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</t>" SOURCE ("<address bus='1' slot='2' function='3'/>")),
    "0000:01:02.4",
    GUEST ("<t>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</t>" SOURCE (
        "<address bus='1' slot='2' function='0x4'/>")) },
  { "address inside the guest",
    GUEST (HOSTDEV ("<address bus='1' slot='2' function='3'/><source><address bus='1' slot='2' function='3'/>"
                    "</source><address bus='1' slot='2' function='3'/>")),
    "0000:01:02.4",
    GUEST (HOSTDEV ("<address bus='1' slot='2' function='3'/><source><address bus='1' slot='2' "
                    "function='0x4'/></source><address bus='1' slot='2' function='3'/>")) },
  { "declaration",
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" GUEST (
        SOURCE ("<address bus='1' slot='2' function='3'/>")),
    "0000:01:02.4",
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" GUEST (
        SOURCE ("<address bus='1' slot='2' function='0x4'/>")) },
  { "interface",
    GUEST ("<interface type='hostdev'><source><address type='pci' bus='1' slot='2' "
           "function='3'/></source><address type='pci' bus='1' slot='2' function='3'/></interface>"),
    "0000:01:02.4",
    GUEST ("<interface type='hostdev'><source><address type='pci' bus='1' slot='2' "
           "function='0x4'/></source><address type='pci' bus='1' slot='2' function='3'/></interface>") },
  { "mdev",
    GUEST ("<hostdev mode='subsystem' type='mdev'><source><address uuid = \"" MDEV "\"/></source></hostdev>"),
    OTHER_MDEV,
    GUEST ("<hostdev mode='subsystem' type='mdev'><source><address uuid = \"" OTHER_MDEV
           "\"/></source></hostdev>") },
};

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigDomain) domain = parse (rows[i].before, strlen (rows[i].before));
  g_autoptr (GError) error = NULL;
  g_autofree char *xml = NULL;

  g_assert_true (accmig_domain_set_source (domain, 0, rows[i].address, &error));
  xml = accmig_domain_to_xml (domain, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (xml, ==, rows[i].after);
  check_addresses (xml, &rows[i].address, 1);
}

/* Two of the same, of which the second gets another: the order decides, not the text. */
static void
test_equal_addresses (void)
{
  static const char before[] = GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")
                                          SOURCE ("<address bus='1' slot='2' function='3'/>"));
  static const char after[] = GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")
                                         SOURCE ("<address bus='1' slot='2' function='0x4'/>"));
  g_autoptr (AccmigDomain) domain = parse (before, strlen (before));
  g_autofree char *xml = NULL;

  g_assert_true (accmig_domain_set_source (domain, 1, "0000:01:02.4", NULL));
  g_assert_cmpstr (accmig_domain_get_hostdev (domain, 1)->address, ==, "0000:01:02.4");
  xml = accmig_domain_to_xml (domain, NULL);
  g_assert_cmpstr (xml, ==, after);
}

/* What another reader may take for another text is not touched. Left alone, it comes back as it is. */
static const struct
{
  const char *before;
  const char *message;
} refused[] = {
  { "<?xml version='1.0' encoding='ISO-8859-1'?>" GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")),
    "the XML says that it is in another encoding, must be UTF-8 to be changed" },
  { "<?xml version='1.0' encoding = \"UTF-7\" ?>" GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")),
    "the XML says that it is in another encoding, must be UTF-8 to be changed" },
  { "\xef\xbb\xbf" GUEST (SOURCE ("<address bus='1' slot='2' function='3'/>")),
    "the XML begins with a byte order mark, must be plain UTF-8 to be changed" },
};

static void
test_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (AccmigDomain) domain = parse (refused[i].before, strlen (refused[i].before));
      g_autofree char *same = accmig_domain_to_xml (domain, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_cmpstr (same, ==, refused[i].before);
      g_assert_true (accmig_domain_set_source (domain, 0, "0000:01:02.4", NULL));
      g_assert_null (accmig_domain_to_xml (domain, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, refused[i].message);
    }
}

/* ---- the property ------------------------------------------------------------------------------ */

static const char *const fillers[] = {
  "",
  " ",
  "\r\n\t",
  "<!-- bus='1' <address slot='2'> -->",
  "<![CDATA[<address bus='1'/>]]>",
  "<?x address='>'?>",
  "<title>\xe2\x82\xac &amp; \"more\" '</title>",
  "<n:address xmlns:n='urn:n' bus='1' n:slot=\"2\"/>",
  "<address type='pci' bus='0x01' slot='0x02' function='0x3'/>",
};

static void
add_filler (GString *xml, GRand *rand)
{
  for (int i = g_rand_int_range (rand, 0, 4); i > 0; i--)
    g_string_append (xml, fillers[g_rand_int_range (rand, 0, G_N_ELEMENTS (fillers))]);
  if (g_rand_int_range (rand, 0, 8) == 0) /* long enough for the parser to let go of what it has read */
    for (int i = g_rand_int_range (rand, 0, 9000); i > 0; i--)
      g_string_append_c (xml, ' ');
}

/* One value of an address: its text in the XML and a mark that stands for it. The marked text is the XML with
 * every value that may change replaced by a mark. */
static void
add_value (GString *xml, GString *marked, GRand *rand, const char *name, const char *value)
{
  char quote = g_rand_boolean (rand) ? '"' : '\'';

  for (int i = 0; i < 2; i++)
    {
      g_string_append_printf (i == 0 ? xml : marked, " %s=%c%s%c", name, quote, i == 0 ? value : "@", quote);
    }
}

static void
add_hostdev (GString *xml, GString *marked, GRand *rand, gboolean mdev)
{
  const char *head = mdev ? "<hostdev mode='subsystem' type='mdev'><source>"
                          : "<hostdev mode=\"subsystem\" type=\"pci\"><source>";
  static const char *const names[] = { "function", "slot", "bus", "domain" };

  g_string_append (xml, head);
  g_string_append (marked, head);
  g_string_append (xml, "<address");
  g_string_append (marked, "<address");
  if (mdev)
    add_value (xml, marked, rand, "uuid", MDEV);
  for (gsize i = 0; !mdev && i < G_N_ELEMENTS (names); i++)
    add_value (xml, marked, rand, names[i], "7");
  g_string_append (xml, "/></source></hostdev>");
  g_string_append (marked, "/></source></hostdev>");
}

/* Puts marks for the values of <source> addresses that were changed to those that no other text has. */
static char *
mark (const char *xml)
{
  g_autoptr (GRegex) pci = g_regex_new ("0x(8888|88|18|6)|(?<=[\"'])7(?=[\"'])", 0, 0, NULL);
  g_autofree char *without_pci = g_regex_replace_literal (pci, xml, -1, 0, "@", 0, NULL);
  g_autoptr (GRegex) mdev = g_regex_new (MDEV "|" OTHER_MDEV, 0, 0, NULL);

  return g_regex_replace_literal (mdev, without_pci, -1, 0, "@", 0, NULL);
}

/* Whatever stands around them: outside of the values that change, every byte is as it was. */
static void
test_property (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (int i = 0; i < 600; i++)
    {
      g_autoptr (GString) xml = g_string_new ("<domain><name>x</name><devices>");
      g_autoptr (GString) marked = g_string_new (xml->str);
      g_autoptr (AccmigDomain) domain = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *changed = NULL;
      g_autofree char *changed_marked = NULL;
      int n = g_rand_int_range (rand, 1, 6);

      for (int h = 0; h < n; h++)
        {
          gsize before = xml->len;

          add_filler (xml, rand);
          g_string_append (marked, xml->str + before);
          add_hostdev (xml, marked, rand, g_rand_boolean (rand));
        }
      g_string_append (xml, "</devices></domain>\n");
      g_string_append (marked, "</devices></domain>\n");

      domain = parse (xml->str, xml->len);
      for (int h = 0; h < n; h++)
        if (g_rand_int_range (rand, 0, 4) != 0)
          g_assert_true (
              accmig_domain_set_source (domain, (gsize)h,
                                        accmig_domain_get_hostdev (domain, (gsize)h)->kind == ACCMIG_KIND_MDEV
                                            ? OTHER_MDEV
                                            : "8888:88:18.6",
                                        NULL));
      changed = accmig_domain_to_xml (domain, &error);
      g_assert_no_error (error);
      changed_marked = mark (changed);
      g_assert_cmpstr (changed_marked, ==, marked->str);
      g_clear_pointer (&domain, accmig_domain_free);
    }
}

/* ---- memory nodes ------------------------------------------------------------------------------ */

#define NUMA(inside) "<domain><name>x</name><numatune>" inside "</numatune></domain>"

static const struct
{
  const char *xml;
  const char *nodes; /* of 0 to 9, and the last one there can be */
} memory[] = {
  { "<domain><name>x</name></domain>", "" },
  { NUMA (""), "" },
  { NUMA ("<memory mode='strict' placement='auto'/>"), "" },
  { NUMA ("<memory mode='strict' nodeset='1'/>"), "1" },
  { NUMA ("<memory mode='strict' nodeset='0-3,^2,8'/>"), "0138" },
  { NUMA ("<memory nodeset=' 4 , 6-7 '/>"), "467" },
  { NUMA ("<memory nodeset='1'/><memnode cellid='0' nodeset='^1,3'/><memnode cellid='1' nodeset='5'/>"),
    "135" },
  { NUMA ("<memory nodeset='1023'/>"), "L" },
  { NUMA ("<memory nodeset='1024'/>"), "" },
  { NUMA ("<memory nodeset='3-1'/>"), "" },
  { NUMA ("<memory nodeset='1-'/>"), "" },
  { NUMA ("<memory nodeset='1,x'/>"), "" },
  { NUMA ("<memory nodeset='0-4294967296'/>"), "" },
};

static void
test_memory (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (memory); i++)
    {
      g_autoptr (AccmigDomain) domain = parse (memory[i].xml, strlen (memory[i].xml));
      g_autoptr (GString) nodes = g_string_new (NULL);

      for (int node = 0; node < 10; node++)
        if (accmig_domain_has_node (domain, node))
          g_string_append_printf (nodes, "%d", node);
      if (accmig_domain_has_node (domain, 1023))
        g_string_append_c (nodes, 'L');
      g_assert_cmpstr (nodes->str, ==, memory[i].nodes);
      g_assert_cmpint (accmig_domain_has_nodes (domain), ==, nodes->len > 0);
      g_assert_false (accmig_domain_has_node (domain, -1));
      g_assert_false (accmig_domain_has_node (domain, 1024));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/domain-change/", rows[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/domain-change/equal-addresses", test_equal_addresses);
  g_test_add_func ("/domain-change/refused", test_refused);
  g_test_add_func ("/domain-change/property", test_property);
  g_test_add_func ("/domain-change/memory", test_memory);
  return g_test_run ();
}
