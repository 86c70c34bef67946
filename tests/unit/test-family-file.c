// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Family files: what is wrong with one, and where
 *
 * Every key of every group is wrong once. A row has the lines after a head of five, and says the whole of
 * what is then complained about.
 */

#include <accmig/families.h>

#include <string.h>

#include "family-dir.h"

/* Five lines. */
#define HEAD                                                                                                 \
  "[family]\n"                                                                                               \
  "name=x\n"                                                                                                 \
  "title=X\n"                                                                                                \
  "match-size=16\n"                                                                                          \
  "\n"

/* Another four, so that what follows is at line 10. */
#define FIELD                                                                                                \
  "[field f]\n"                                                                                              \
  "what=the field\n"                                                                                         \
  "type=number\n"                                                                                            \
  "from=match u32 0\n"

#define RULE "[rule r]\nfield=f\n" /* the next line is 12 */

static const struct
{
  const char *name;
  const char *text; /* after HEAD */
  const char *wanted;
} rows[] = {
  /* clang-format off */
  { "no group", "[family\n", "6: “[family” is no group: “[NAME]” wanted" },
  { "empty group", "[]\n", "6: “[]” is no group: “[NAME]” wanted" },
  { "unknown group", "[families]\n", "6: [families] is none of [family], [match], [field NAME], [rule NAME]" },
  { "second group", "[match]\n[match]\n", "7: a second group [match]" },
  { "second key", "[match]\ndevice=u8 0\ndevice=u8 0\n", "8: a second device in [match]" },
  { "no key", "[match]\ndevice\n", "7: “device” is no key with a value: “KEY=VALUE” wanted" },
  { "no value", "[match]\ndevice=  \n", "7: device has no value" },
  { "control character", "[match]\n# \x1b[2J\n", "7: a control character, a backslash, or what is not UTF-8" },
  { "carriage return", "[match]\r\n", "6: a control character, a backslash, or what is not UTF-8" },
  { "backslash", "# a\\nb\n", "6: a control character, a backslash, or what is not UTF-8" },
  { "not UTF-8", "# \xff\n", "6: a control character, a backslash, or what is not UTF-8" },

  { "match: unknown key", "[match]\ndevices=u8 0\n", "7: [match] has no key devices" },
  { "match: words", "[match]\ndevice=u8\n", "7: device is “u8”, wanted is TYPE OFFSET" },
  { "match: type", "[match]\ndevice=u12 0\n",
    "7: device has “u12” for the type of a word, wanted is u8, u16, u32 or u64" },
  { "match: offset", "[match]\nvendor=u8 -1\n", "7: vendor has “-1” for the offset of a word, a number is wanted" },
  { "match: beyond", "[match]\nvendor=u32 13\n", "7: vendor has a word that ends beyond the 16 bytes of match-size" },
  { "match: far beyond", "[match]\nvendor=u32 0xffffffffffffffff\n",
    "7: vendor has a word that ends beyond the 16 bytes of match-size" },

  { "field: name", "[field A]\n",
    "6: [field A] is no field: its name has other than lower-case letters, digits, dashes" },
  { "field: point", "[field a.b]\n",
    "6: [field a.b] is no field: its name has other than lower-case letters, digits, dashes" },
  { "field: unknown key", "[field f]\nwhats=x\n", "7: [field f] has no key whats" },
  { "field: no what", "[field f]\ntype=number\nfrom=match u8 0\n", "6: [field f] needs the key what" },
  { "field: no type", "[field f]\nwhat=x\nfrom=match u8 0\n", "6: [field f] needs the key type" },
  { "field: no from", "[field f]\nwhat=x\ntype=number\n", "6: [field f] needs the key from" },
  { "field: type", "[field f]\nwhat=x\ntype=int\nfrom=match u8 0\n",
    "8: type is “int”, wanted is one of text, number, hex, flags, boolean" },
  { "field: digits of a number", FIELD "digits=4\n", "10: digits makes texts of numbers, and needs type=text" },
  { "field: digits", "[field f]\nwhat=x\ntype=text\nfrom=match u8 0\ndigits=17\n",
    "10: digits is “17”, wanted is a number from 1 to 16" },
  { "field: from", "[field f]\nwhat=x\ntype=number\nfrom=msr 1\n",
    "9: from has “msr”, wanted is one of match, sysfs, parameter, uacce, mdev-type, code" },
  { "field: empty from", "[field f]\nwhat=x\ntype=number\nfrom=match u8 0;;match u8 1\n",
    "9: from has an empty item" },
  { "field: words", "[field f]\nwhat=x\ntype=number\nfrom=match u8\n", "9: from has “match u8”; match is followed by 2 words" },
  { "field: match beyond", "[field f]\nwhat=x\ntype=number\nfrom=match u8 16\n",
    "9: from has a word that ends beyond the 16 bytes of match-size" },
  { "field: sysfs upwards", "[field f]\nwhat=x\ntype=number\nfrom=sysfs bus/../../etc/shadow\n",
    "9: the path “bus/../../etc/shadow” leads out of sysfs" },
  { "field: sysfs from the root", "[field f]\nwhat=x\ntype=number\nfrom=sysfs /etc/shadow\n",
    "9: the path “/etc/shadow” leads out of sysfs" },
  { "field: sysfs with a word", "[field f]\nwhat=x\ntype=number\nfrom=sysfs bus/{driver}/x\n",
    "9: the path “bus/{driver}/x” has another word than {address} and {pf}" },
  { "field: parameter", "[field f]\nwhat=x\ntype=number\nfrom=parameter ../../x y\n",
    "9: “../../x y” is no module with a parameter" },
  { "field: uacce", "[field f]\nwhat=x\ntype=number\nfrom=uacce device/x\n",
    "9: “device/x” is no attribute of a uacce device" },
  { "field: code", "[field f]\nwhat=x\ntype=number\nfrom=code y\n", "9: there is no code “y” for the family x" },
  { "field: map of a number", FIELD "map=1:x\n", "10: map makes texts of numbers, and needs type=text" },
  { "field: map", "[field f]\nwhat=x\ntype=text\nfrom=match u8 0\nmap=1:a;b\n",
    "10: map has “b”, wanted is NUMBER:TEXT" },
  { "field: map of texts", "[field f]\nwhat=x\ntype=text\nfrom=match u8 0\nmap=a:b\n",
    "10: map has “a:b”, wanted is NUMBER:TEXT" },
  { "field: when", FIELD "when=match u8 0 is 1\n",
    "10: when has “match u8 0 is 1”, wanted is match TYPE OFFSET in|not-in VALUE,…" },
  { "field: when beyond", FIELD "when=match u8 16 in 1\n",
    "10: when has a word that ends beyond the 16 bytes of match-size" },
  { "field: when with a text", FIELD "when=match u8 0 in a\n", "10: when has “a”, a number is wanted" },

  { "rule: name", FIELD "[rule R]\n",
    "10: [rule R] is no rule: one or two names of lower-case letters, digits, dashes and points wanted" },
  { "rule: three names", FIELD "[rule a b c]\n",
    "10: [rule a b c] is no rule: one or two names of lower-case letters, digits, dashes and points wanted" },
  { "rule: neither relation nor check", FIELD RULE, "10: [rule r] needs one of the keys relation and check" },
  { "rule: both relation and check", FIELD RULE "relation=equal\ncheck=flags-known\n",
    "10: [rule r] needs one of the keys relation and check" },
  { "rule: relation", FIELD RULE "relation=equals\n",
    "12: relation is “equals”, wanted is one of equal, superset, subset, at-least, at-most, in, not-in, same-side, "
    "fixed, never" },
  { "rule: relation that is a check", FIELD RULE "relation=check\n",
    "12: relation is “check”, wanted is one of equal, superset, subset, at-least, at-most, in, not-in, same-side, "
    "fixed, never" },
  { "rule: check", FIELD RULE "check=nothing\n", "12: there is no check “nothing” for the family x" },
  { "rule: check of another family", FIELD RULE "check=pf-driver\n", "12: there is no check “pf-driver” for the family x" },
  { "rule: unknown key", FIELD RULE "relation=equal\nfields=f\n", "13: [rule r] has no key fields" },
  { "rule: no field", FIELD "[rule r]\nrelation=equal\n", "10: [rule r] needs the key field" },
  { "rule: field", FIELD "[rule r]\nfield=g\nrelation=equal\n", "11: no field “g” in the family x, nor in every profile" },
  { "rule: member", FIELD "[rule r]\nfield=host.kernels\nrelation=equal\n",
    "11: no field “host.kernels” in the family x, nor in every profile" },
  { "rule: number wanted", FIELD "[rule r]\nfield=host.kernel\nrelation=superset\n",
    "11: the relation superset needs a number, and host.kernel is a text" },
  { "rule: release wanted", FIELD RULE "relation=same-side\nsplit=6.1\n",
    "11: the relation same-side needs a release, and f is a number" },
  { "rule: rank", FIELD RULE "relation=equal\nrank=first\n",
    "13: rank is “first”, wanted is one of identity, host, capability, quantity, remark" },
  { "rule: severity", FIELD RULE "relation=equal\nseverity=fatal\n",
    "13: severity is “fatal”, wanted is one of note, warn, unknown, refuse" },
  { "rule: missing", FIELD RULE "relation=equal\nmissing=no\n",
    "13: missing is “no”, wanted is one of unknown, both-ok, ok" },
  { "rule: missing of never", FIELD RULE "relation=never\nmissing=ok\nwhen=target f in 1\nsentence=x\n",
    "13: missing says nothing where the relation is never" },
  { "rule: side of equal", FIELD RULE "relation=equal\nside=target\n",
    "13: side says nothing where the relation is equal" },
  { "rule: side", FIELD RULE "relation=in\nvalues=1\nside=both\n",
    "14: side is “both”, wanted is one of target, source, either" },
  { "rule: mask of equal", FIELD RULE "relation=equal\nmask=1\n", "13: mask says nothing where the relation is equal" },
  { "rule: mask", FIELD RULE "relation=superset\nmask=all\n", "13: mask is “all”, wanted is a number above 0" },
  { "rule: mask of nothing", FIELD RULE "relation=superset\nmask=0x0\n", "13: mask is “0x0”, wanted is a number above 0" },
  { "rule: no values", FIELD RULE "relation=in\n", "10: [rule r] needs the key values" },
  { "rule: values of equal", FIELD RULE "relation=equal\nvalues=1\n",
    "13: values says nothing where the relation is equal" },
  { "rule: values", FIELD RULE "relation=in\nvalues=1;two\n", "13: values has “two”, wanted is a number" },
  { "rule: boolean values", FIELD "[rule r]\nfield=device.vfio\nrelation=in\nvalues=true\n",
    "13: values has “true”, wanted is a boolean" },
  { "rule: no split", FIELD "[rule r]\nfield=host.kernel\nrelation=same-side\n", "10: [rule r] needs the key split" },
  { "rule: split", FIELD "[rule r]\nfield=host.kernel\nrelation=same-side\nsplit=6\n",
    "13: split has “6”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: release with more", FIELD "[rule r]\nfield=host.kernel\nrelation=same-side\nsplit=6.18-rc1\n",
    "13: split has “6.18-rc1”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: release of four", FIELD "[rule r]\nfield=host.kernel\nrelation=same-side\nsplit=6.18.1.1\n",
    "13: split has “6.18.1.1”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: no reference", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1\nsentence=x\n",
    "10: [rule r] needs the key reference" },
  { "rule: no sentence", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1\nreference=x\n",
    "10: [rule r] needs the key sentence" },
  { "rule: neither fixed nor until", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nsentence=x\nreference=x\n",
    "10: [rule r] needs one of the keys fixed and until" },
  { "rule: both fixed and until",
    FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1\nuntil=6.0\nsentence=x\nreference=x\n",
    "10: [rule r] needs one of the keys fixed and until" },
  { "rule: fixed", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1;x\nsentence=x\nreference=x\n",
    "13: fixed has “x”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: until", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nuntil=x\nsentence=x\nreference=x\n",
    "13: until has “x”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: since", FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1\nsince=x\nsentence=x\nreference=x\n",
    "14: since has “x”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: since too late",
    FIELD "[rule r]\nfield=host.kernel\nrelation=fixed\nfixed=6.1\nsince=6.2\nsentence=x\nreference=x\n",
    "14: since is later than what it is the start of" },
  { "rule: never without when", FIELD RULE "relation=never\nsentence=x\n", "10: [rule r] needs the key when" },
  { "rule: never without sentence", FIELD RULE "relation=never\nwhen=target f known\n",
    "10: [rule r] needs the key sentence" },
  { "rule: when of one side", FIELD RULE "relation=equal\nwhen=both f in 1\n",
    "13: when is “both f in 1”, wanted is source|target FIELD OPERATOR …" },
  { "rule: when too short", FIELD RULE "relation=equal\nwhen=target f\n",
    "13: when is “target f”, wanted is source|target FIELD OPERATOR …" },
  { "rule: when of no field", FIELD RULE "relation=equal\nwhen=target g in 1\n",
    "13: no field “g” in the family x, nor in every profile" },
  { "rule: when without operator", FIELD RULE "relation=equal\nwhen=target f is 1\n",
    "13: when has “is”, wanted is one of in, not-in, from, before, known, unknown" },
  { "rule: when without value", FIELD RULE "relation=equal\nwhen=target f in\n", "13: when has “in” without a value" },
  { "rule: when with value", FIELD RULE "relation=equal\nwhen=target f known 1\n", "13: when has “known” with a value" },
  { "rule: when of a wrong value", FIELD RULE "relation=equal\nwhen=target f in 1,x\n",
    "13: when has “x”, wanted is a number" },
  { "rule: when with an empty value", FIELD RULE "relation=equal\nwhen=target host.cpu in a,,b\n",
    "13: when has “”, wanted is a text" },
  { "rule: when from a number", FIELD RULE "relation=equal\nwhen=target f from 6.1\n",
    "13: when has “from”, which needs a release, of a number" },
  { "rule: when from what", FIELD RULE "relation=equal\nwhen=target host.kernel from now\n",
    "13: when has “now”, wanted is a release, 6.18 or 6.12.34" },
  { "rule: word in a sentence", FIELD RULE "relation=equal\nsentence={wat} differs\n",
    "13: sentence has {wat}, which is no word here" },
  { "rule: word of one side", FIELD RULE "relation=equal\nsentence={what} of {host}\n",
    "13: sentence has {host}, which is no word here" },
  { "rule: word of a check", FIELD RULE "relation=equal\nremedy=bind {pf}\n",
    "13: remedy has {pf}, which is no word here" },
  { "rule: open brace", FIELD RULE "relation=equal\nremedy=bind {what\n", "13: remedy has a “{” without its “}”" },
  { "rule: cases of two ranks", FIELD "[rule r a]\nfield=f\nrelation=equal\n[rule r b]\nfield=f\nrelation=equal\nrank=host\n",
    "13: [rule r b] has another rank than [rule r a], a case of the same rule" },
  { "rule: cases apart",
    FIELD "[rule r a]\nfield=f\nrelation=equal\n[rule s]\nfield=f\nrelation=equal\n[rule r b]\nfield=f\nrelation=equal\n",
    "16: [rule r b] stands apart from [rule r a], a case of the same rule" },
  /* clang-format on */
};

/* @wanted: of the message, after the path and a colon */
static void
assert_refused (const char *path, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *message = g_strconcat (path, ":", wanted, NULL);

  g_assert_false (accmig_family_check_file (path, &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autofree char *text = g_strconcat (HEAD, rows[i].text, NULL);

  assert_refused (family_dir_write (dir, "x.family", text), rows[i].wanted);
}

/* The group [family] is the head itself. */
static void
test_head (void)
{
  static const struct
  {
    const char *text, *wanted;
  } heads[] = {
    { "", " the group [family] is missing" },
    { "name=x\n", "1: a key before the first group" },
    { "[family]\ntitle=X\n", "1: [family] needs the key name" },
    { "[family]\nname=x\n", "1: [family] needs the key title" },
    { "[family]\nname=y\ntitle=X\n", "2: name is “y”, but the file is named x.family" },
    { "[family]\nname=x\ntitle=X\ndriver=y\n", "4: [family] has no key driver" },
    { "[family]\nname=x\ntitle=X\ntitle[de]=X\n", "4: [family] has no key title[de]" },
    { "[family]\nname=x\ntitle=X\ndrivers=y;a b\n", "4: drivers has “a b”, wanted is a driver's name" },
    { "[family]\nname=x\ntitle=X\ndrivers=../y\n", "4: drivers has “../y”, wanted is a driver's name" },
    { "[family]\nname=x\ntitle=X\nids=19E5:a256\n",
      "4: ids has “19E5:a256”, wanted is VENDOR:DEVICE in lower-case hex" },
    { "[family]\nname=x\ntitle=X\nids=19e5:a2567\n",
      "4: ids has “19e5:a2567”, wanted is VENDOR:DEVICE in lower-case hex" },
    { "[family]\nname=x\ntitle=X\nids=;\n", "4: ids has an empty item" },
    { "[family]\nname=x\ntitle=X\nmdev-types=a/b\n",
      "4: mdev-types has “a/b”, wanted is the type of an mdev, * for any" },
    { "[family]\nname=x\ntitle=X\nmatch-size=0\n",
      "4: match-size is “0”, wanted is a number from 1 to 4096" },
    { "[family]\nname=x\ntitle=X\nmatch-size=4097\n",
      "4: match-size is “4097”, wanted is a number from 1 to 4096" },
    { "[family]\nname=x\ntitle=X\nstream-min=0\n",
      "4: stream-min is “0”, wanted is a number from 1 to 1099511627776" },
    { "[family]\nname=x\ntitle=X\nstream-min=many\n",
      "4: stream-min is “many”, wanted is a number from 1 to 1099511627776" },
    { "[family]\nname=x\ntitle=X\ntrial=maybe\n", "4: trial is “maybe”, wanted is one of no, yes" },
    { "[family]\nname=x\ntitle=X\ntrial=yes\n", "4: trial needs match data, and match-size is absent" },
    { "[family]\nname=x\ntitle=X\n[field f]\nwhat=x\ntype=number\nfrom=match u8 0\n",
      "7: from has a word that ends beyond the 0 bytes of match-size" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autoptr (FamilyDir) dir = family_dir_new ();

      g_test_message ("%s", heads[i].wanted);
      assert_refused (family_dir_write (dir, "x.family", heads[i].text), heads[i].wanted);
    }
}

static void
test_names (void)
{
  static const char *const names[] = { "X.family", "x", "a-b.family", ".family", "x.family.bak" };
  g_autoptr (FamilyDir) dir = family_dir_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    assert_refused (
        family_dir_write (dir, names[i], HEAD),
        " the file's name is none of lower-case letters, digits and underscores, with .family at its end");
}

static char *
repeat (const char *head, guint n, const char *format)
{
  GString *text = g_string_new (head);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);
      g_autoptr (GString) item = g_string_new (format);

      g_string_replace (item, "@", number, 0);
      g_string_append (text, item->str);
    }
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  static const struct
  {
    const char *head, *item;
    guint most;
    const char *wanted;
  } limits[] = {
    { HEAD, "[field f@]\nwhat=x\ntype=number\nfrom=match u8 0\n", 128, "518: more than 128 fields" },
    { HEAD, "[rule r@]\nfield=host.cpu\nrelation=equal\n", 128, "390: more than 128 rules" },
    { HEAD "#", "x", 1999, "6: more than 2000 bytes in a line" },
    { HEAD, "#\n", (256 * 1024 - sizeof HEAD + 1) / 2, " a NUL in it, or more than 262144 bytes" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (FamilyDir) dir = family_dir_new ();
      g_autofree char *most = repeat (limits[i].head, limits[i].most, limits[i].item);
      g_autofree char *more = repeat (limits[i].head, limits[i].most + 1, limits[i].item);
      g_autoptr (GError) error = NULL;

      (void)accmig_family_check_file (family_dir_write (dir, "x.family", most), &error);
      g_assert_no_error (error);
      assert_refused (family_dir_write (dir, "x.family", more), limits[i].wanted);
    }
}

static void
test_unreadable (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (accmig_family_check_file ("/nonexistent/x.family", &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_prefix (error->message, "/nonexistent/x.family: "));
}

/* White space, comments and empty lines mean nothing. */
static void
test_spaces (void)
{
  static const char text[] = "# a comment\n\n  [family]  \n name = x \n\ttitle =  Two words = one\n"
                             "drivers = a ; b ;\n[field  f]\n";
  static const char good[] = "# a comment\n\n  [family]  \n name = x \n  title =  Two words = one\n"
                             "drivers = a ; b ;";
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;
  const AccmigFamily *family;

  assert_refused (family_dir_write (dir, "x.family", text),
                  "5: a control character, a backslash, or what is not UTF-8");
  family_dir_write (dir, "x.family", good);
  families = accmig_families_load ((const char *const[]){ family_dir_get_path (dir), NULL });
  family = accmig_families_lookup (families, "x");
  g_assert_cmpstr (accmig_family_get_title (family), ==, "Two words = one");
  g_assert_cmpstr (accmig_family_get_drivers (family)[0], ==, "a");
  g_assert_cmpstr (accmig_family_get_drivers (family)[1], ==, "b");
  g_assert_cmpstr (accmig_family_get_drivers (family)[2], ==, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (rows[i].name), " :", '-');
      g_autofree char *path = g_strconcat ("/family-file/wrong/", name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/family-file/head", test_head);
  g_test_add_func ("/family-file/names", test_names);
  g_test_add_func ("/family-file/limits", test_limits);
  g_test_add_func ("/family-file/unreadable", test_unreadable);
  g_test_add_func ("/family-file/spaces", test_spaces);
  return g_test_run ();
}
