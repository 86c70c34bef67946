// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the relations of a family file mean
 *
 * Each row is one rule and one pair of profiles, and the one finding that comes of them, or none. Every
 * relation holds in some rows and fails in others, on its edges above all.
 */

#include <accmig/families.h>

#include <string.h>

#include "family-dir.h"
#include "profile-private.h"

#define GENERIC "[family]\nname=generic\ntitle=None\n"

#define FAMILY                                                                                               \
  "[family]\nname=x\ntitle=X\n"                                                                              \
  "[field n]\nwhat=count\ntype=number\nfrom=mdev-type x-\n"                                                  \
  "[field h]\nwhat=bits\ntype=hex\nfrom=mdev-type x-\n"                                                      \
  "[field t]\nwhat=text\ntype=text\nfrom=mdev-type x-\n"                                                     \
  "[field b]\nwhat=switch\ntype=boolean\nfrom=mdev-type x-\n"                                                \
  "[field f]\nwhat=abilities\ntype=flags\nfrom=mdev-type x-\n"                                               \
  "[rule r]\n"

#define PROFILE                                                                                              \
  "{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":\"0000:00:00.%d\",\"kind\":\"pci\"," \
  "\"family\":\"x\"},\"x\":{%s}}"

#define FIXED     "field=t\nrelation=fixed\nsentence={value} of the {host}\nreference=none\n"
#define SPLIT     "field=t\nrelation=same-side\nsplit=6.19\n"
#define NEVER     "field=n\nrelation=never\nsentence=never\n"
#define T(text)   "\"t\":\"" text "\""
#define UNKNOWN   "unknown x.r: "
#define REFUSE    "refuse x.r: "
#define ADDRESS   "0000:00:00.2"
#define NO_TARGET ADDRESS " does not say"

static const struct
{
  const char *name, *rule, *source, *target;
  const char *wanted; /* "severity id: sentence"; "" for no finding */
} rows[] = {
  /* clang-format off */

  /* both sides */
  { "equal texts", "field=t\nrelation=equal\n", T ("a"), T ("a"), "" },
  { "unequal texts", "field=t\nrelation=equal\n", T ("a"), T ("A"),
    REFUSE "text differs: source has a, " ADDRESS " has A" },
  { "equal numbers", "field=n\nrelation=equal\n", "\"n\":0", "\"n\":0", "" },
  { "unequal numbers", "field=n\nrelation=equal\n", "\"n\":1", "\"n\":2",
    REFUSE "count differs: source has 1, " ADDRESS " has 2" },
  { "unequal hex", "field=h\nrelation=equal\n", "\"h\":255", "\"h\":0",
    REFUSE "bits differs: source has 0xff, " ADDRESS " has 0x0" },
  { "equal booleans", "field=b\nrelation=equal\n", "\"b\":false", "\"b\":false", "" },
  { "unequal booleans", "field=b\nrelation=equal\n", "\"b\":false", "\"b\":true",
    REFUSE "switch differs: source has no, " ADDRESS " has yes" },
  { "unequal flags", "field=f\nrelation=equal\n", "\"f\":1", "\"f\":5",
    REFUSE "abilities differs: source has stop-copy, " ADDRESS " has stop-copy+pre-copy" },
  { "its own sentence", "field=n\nrelation=equal\nwhat=the {thing\nsentence={what}: {source}/{target}/{address}/{t}\n",
    "\"n\":1", "\"n\":2," T ("{n}"), REFUSE "the {thing: 1/2/" ADDRESS "/{n}" },
  { "a word nobody says", "field=n\nrelation=equal\nsentence={t}\n", "\"n\":1", "\"n\":2", REFUSE "-" },

  { "superset", "field=h\nrelation=superset\n", "\"h\":5", "\"h\":7", "" },
  { "superset of itself", "field=h\nrelation=superset\n", "\"h\":5", "\"h\":5", "" },
  { "no superset", "field=h\nrelation=superset\n", "\"h\":5", "\"h\":11",
    REFUSE "bits is missing: source has 0x5, " ADDRESS " has only 0xb" },
  { "superset within the mask", "field=h\nrelation=superset\nmask=0x3\n", "\"h\":5", "\"h\":3", "" },
  { "no superset within the mask", "field=h\nrelation=superset\nmask=0x4\n", "\"h\":5", "\"h\":3",
    REFUSE "bits is missing: source has 0x5, " ADDRESS " has only 0x3" },
  { "subset", "field=h\nrelation=subset\n", "\"h\":5", "\"h\":4", "" },
  { "no subset", "field=h\nrelation=subset\n", "\"h\":5", "\"h\":7",
    REFUSE "bits is beyond the source's: source has 0x5, " ADDRESS " has 0x7" },
  { "subset within the mask", "field=h\nrelation=subset\nmask=4\n", "\"h\":5", "\"h\":7", "" },
  { "at least", "field=n\nrelation=at-least\n", "\"n\":4", "\"n\":4", "" },
  { "more than at least", "field=n\nrelation=at-least\n", "\"n\":4", "\"n\":5", "" },
  { "not at least", "field=n\nrelation=at-least\n", "\"n\":4", "\"n\":3",
    REFUSE "count is too small: source has 4, " ADDRESS " has only 3" },
  { "at most", "field=n\nrelation=at-most\n", "\"n\":4", "\"n\":4", "" },
  { "less than at most", "field=n\nrelation=at-most\n", "\"n\":4", "\"n\":0", "" },
  { "not at most", "field=n\nrelation=at-most\n", "\"n\":4", "\"n\":5",
    REFUSE "count is too large: source has only 4, " ADDRESS " has 5" },

  /* a side that does not say */
  { "missing at the source", "field=n\nrelation=equal\n", "", "\"n\":2",
    UNKNOWN "count unknown: source does not say, " ADDRESS " has 2" },
  { "missing at the target", "field=n\nrelation=equal\n", "\"n\":2", "",
    UNKNOWN "count unknown: source has 2, " NO_TARGET },
  { "missing on both", "field=n\nrelation=equal\n", "", "", UNKNOWN "count unknown: neither source nor " ADDRESS " says" },
  { "missing on both, which is fine", "field=n\nrelation=equal\nmissing=both-ok\n", "", "", "" },
  { "missing on one, which is not", "field=n\nrelation=equal\nmissing=both-ok\n", "\"n\":2", "",
    UNKNOWN "count unknown: source has 2, " NO_TARGET },
  { "missing, which is fine", "field=n\nrelation=equal\nmissing=ok\n", "\"n\":2", "", "" },
  { "missing whatever the severity", "field=n\nrelation=equal\nseverity=note\n", "\"n\":2", "",
    UNKNOWN "count unknown: source has 2, " NO_TARGET },

  /* severity */
  { "warn", "field=n\nrelation=equal\nseverity=warn\n", "\"n\":1", "\"n\":2",
    "warn x.r: count differs: source has 1, " ADDRESS " has 2" },
  { "note", "field=n\nrelation=equal\nseverity=note\n", "\"n\":1", "\"n\":2",
    "note x.r: count differs: source has 1, " ADDRESS " has 2" },
  { "unknown", "field=n\nrelation=equal\nseverity=unknown\n", "\"n\":1", "\"n\":2",
    UNKNOWN "count differs: source has 1, " ADDRESS " has 2" },

  /* one side */
  { "in", "field=t\nrelation=in\nvalues=a;b\n", "", T ("b"), "" },
  { "not in it", "field=t\nrelation=in\nvalues=a;b\n", T ("a"), T ("c"), REFUSE "text of the target is c" },
  { "in, of the source", "field=t\nrelation=in\nvalues=a;b\nside=source\n", T ("a"), T ("c"), "" },
  { "not in it, of the source", "field=t\nrelation=in\nvalues=a;b\nside=source\n", T ("c"), T ("a"),
    REFUSE "text of the source is c" },
  { "in, of either", "field=n\nrelation=in\nvalues=1;0x2\nside=either\n", "\"n\":1", "\"n\":2", "" },
  { "not in it, of either, by the target", "field=n\nrelation=in\nvalues=1\nside=either\n", "\"n\":1", "\"n\":3",
    REFUSE "count of the target is 3" },
  { "not in it, of either, by the source", "field=n\nrelation=in\nvalues=1\nside=either\n", "\"n\":2", "\"n\":1",
    REFUSE "count of the source is 2" },
  { "not in it, of either, by both", "field=n\nrelation=in\nvalues=1\nside=either\n", "\"n\":2", "\"n\":3",
    REFUSE "count of the target is 3" },
  { "not in", "field=b\nrelation=not-in\nvalues=no\n", "\"b\":false", "\"b\":true", "" },
  { "in it all the same", "field=b\nrelation=not-in\nvalues=no\n", "\"b\":true", "\"b\":false",
    REFUSE "switch of the target is no" },
  { "missing at the side", "field=t\nrelation=in\nvalues=a\n", T ("a"), "", UNKNOWN "text unknown: " NO_TARGET },
  { "missing at the other side", "field=t\nrelation=in\nvalues=a\n", "", T ("a"), "" },
  { "missing at the source's side", "field=t\nrelation=in\nvalues=a\nside=source\n", "", T ("a"),
    UNKNOWN "text unknown: source does not say" },
  { "missing at the side, both fine", "field=t\nrelation=in\nvalues=a\nmissing=both-ok\n", T ("a"), "", "" },
  { "missing at one of either", "field=t\nrelation=in\nvalues=a\nside=either\n", "", T ("a"),
    UNKNOWN "text unknown: source does not say, " ADDRESS " has a" },
  { "missing at one, wrong at the other", "field=t\nrelation=in\nvalues=a\nside=either\n", "", T ("b"),
    REFUSE "text of the target is b" },
  { "missing at one of either, which is fine", "field=t\nrelation=in\nvalues=a\nside=either\nmissing=ok\n", "",
    T ("a"), "" },

  /* releases: which side of a split */
  { "both before", SPLIT, T ("6.18.99"), T ("5.10.0"), "" },
  { "both after", SPLIT, T ("6.19.0-rc1"), T ("7.3.4"), "" },
  { "before and after", SPLIT, T ("6.18.99-arm64"), T ("6.19"),
    REFUSE "text differs between 6.18.99-arm64 of the source and 6.19 of " ADDRESS },
  { "after and before", SPLIT, T ("6.19.1"), T ("6.18.99"),
    REFUSE "text differs between 6.19.1 of the source and 6.18.99 of " ADDRESS },
  { "no release", SPLIT, T ("custom"), T ("6.19.1"),
    UNKNOWN "text is no release that could be told: source has custom, " ADDRESS " has 6.19.1" },
  { "no release, of what follows from it", SPLIT "what=layout\n", T ("6.19.1"), "",
    UNKNOWN "layout unknown: it depends on the text; source has 6.19.1, " ADDRESS " has -" },
  { "no release, which is fine", SPLIT "missing=ok\n", T ("custom"), T ("6.19.1"), "" },

  /* releases: a defect and where it was fixed */
  { "fixed in its series", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.12.34"), "" },
  { "fixed in its series long ago", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.12.107+deb13-amd64"), "" },
  { "not yet fixed in its series", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.12.33"), REFUSE "6.12.33 of the target" },
  { "nine is less than thirty", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.12.9"), REFUSE "6.12.9 of the target" },
  { "an older series", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.1.200"), REFUSE "6.1.200 of the target" },
  { "a series between", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.15.99"), REFUSE "6.15.99 of the target" },
  { "the mainline's first", FIXED "fixed=6.6.94;6.12.34;6.16\n", "", T ("6.16.0-rc1"), "" },
  { "all later ones", FIXED "fixed=6.16;6.6.94;6.12.34\n", "", T ("7.0.0"), "" },
  { "just before the mainline's", FIXED "fixed=6.6.94;6.16.3\n", "", T ("6.16.2"), REFUSE "6.16.2 of the target" },
  { "before it came", FIXED "since=5.18\nfixed=6.16\n", "", T ("5.17.99"), "" },
  { "when it came", FIXED "since=5.18\nfixed=6.16\n", "", T ("5.18.0"), REFUSE "5.18.0 of the target" },
  { "within the series that has it", FIXED "since=6.17\nuntil=6.18\n", "", T ("6.18.999"), REFUSE "6.18.999 of the target" },
  { "after the series that has it", FIXED "since=6.17\nuntil=6.18\n", "", T ("6.19.0"), "" },
  { "until a release", FIXED "until=6.12.5\n", "", T ("6.12.5"), REFUSE "6.12.5 of the target" },
  { "after that release", FIXED "until=6.12.5\n", "", T ("6.12.6"), "" },
  { "defect of the source", FIXED "fixed=6.16\nside=either\n", T ("6.15.0"), T ("6.16.0"), REFUSE "6.15.0 of the source" },
  { "defect of both", FIXED "fixed=6.16\nside=either\n", T ("6.15.0"), T ("6.14.0"), REFUSE "6.14.0 of the target" },
  { "defect of the other side", FIXED "fixed=6.16\n", T ("6.15.0"), T ("6.16.0"), "" },
  { "no release to judge", FIXED "fixed=6.16\n", "", T ("custom"),
    UNKNOWN "text is no release that could be told: source has -, " ADDRESS " has custom" },
  { "no release to judge, which is fine", FIXED "fixed=6.16\nmissing=ok\n", "", T ("custom"), "" },

  /* when */
  { "when in", NEVER "when=target n in 1,0x2\n", "", "\"n\":2", REFUSE "never" },
  { "when in, it is not", NEVER "when=target n in 1,0x2\n", "\"n\":1", "\"n\":3", "" },
  { "when in, missing", NEVER "when=target n in 1\n", "\"n\":1", "", "" },
  { "when not in", NEVER "when=source t not-in a, b\n", T ("c"), "", REFUSE "never" },
  { "when not in, it is", NEVER "when=source t not-in a, b\n", T ("b"), T ("c"), "" },
  { "when not in, missing", NEVER "when=source t not-in a\n", "", T ("c"), "" },
  { "when from", NEVER "when=source t from 6.19\n", T ("6.19.0"), "", REFUSE "never" },
  { "when from, earlier", NEVER "when=source t from 6.19\n", T ("6.18.9"), "", "" },
  { "when from, no release", NEVER "when=source t from 6.19\n", T ("custom"), "", "" },
  { "when before", NEVER "when=target t before 6.19.2\n", "", T ("6.19.1"), REFUSE "never" },
  { "when before, later", NEVER "when=target t before 6.19.2\n", "", T ("6.19.2"), "" },
  { "when before, no release", NEVER "when=target t before 6.19.2\n", "", T ("custom"), "" },
  { "when before, missing", NEVER "when=target t before 6.19.2\n", "", "", "" },
  { "when known", NEVER "when=target b known\n", "", "\"b\":false", REFUSE "never" },
  { "when known, it is not", NEVER "when=target b known\n", "\"b\":false", "", "" },
  { "when unknown", NEVER "when=target b unknown\n", "\"b\":false", "", REFUSE "never" },
  { "when unknown, it is known", NEVER "when=target b unknown\n", "", "\"b\":false", "" },
  { "when all", NEVER "when=source n in 1;target n in 2\n", "\"n\":1", "\"n\":2", REFUSE "never" },
  { "when only some", NEVER "when=source n in 1;target n in 2\n", "\"n\":1", "\"n\":1", "" },
  { "when of every profile", NEVER "when=target device.kind in pci\n", "", "", REFUSE "never" },
  { "a condition before a relation", "field=n\nrelation=equal\nwhen=target t in a\n", "\"n\":1", "\"n\":2", "" },
  { "a condition that holds", "field=n\nrelation=equal\nwhen=target t in a\n", "\"n\":1", "\"n\":2," T ("a"),
    REFUSE "count differs: source has 1, " ADDRESS " has 2" },

  /* cases: the first that speaks */
  { "first case", NEVER "when=target n in 1\n[rule r b]\nfield=n\nrelation=equal\n", "\"n\":2", "\"n\":1", REFUSE "never" },
  { "second case", NEVER "when=target n in 1\n[rule r b]\nfield=n\nrelation=equal\n", "\"n\":2", "\"n\":3",
    REFUSE "count differs: source has 2, " ADDRESS " has 3" },
  { "no case", NEVER "when=target n in 1\n[rule r b]\nfield=n\nrelation=equal\n", "\"n\":2", "\"n\":2", "" },
  /* clang-format on */
};

static AccmigProfile *
make_profile (int function, const char *members)
{
  g_autofree char *text = g_strdup_printf (PROFILE, function, members);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* The files are gone afterwards, the set stays. */
static void
use_rule (const char *rule)
{
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autofree char *text = g_strconcat (FAMILY, rule, NULL);

  family_dir_write (dir, "generic.family", GENERIC);
  family_dir_write (dir, "x.family", text);
  family_dir_use (dir);
}

static char *
show_findings (const AccmigVerdict *verdict)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      g_string_append_printf (text, "%s%s %s: %s", i > 0 ? "\n" : "",
                              accmig_severity_to_string (finding->severity), finding->rule,
                              finding->sentence);
    }
  return g_string_free (text, FALSE);
}

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (AccmigProfile) target = NULL;
  g_autoptr (AccmigVerdict) verdict = NULL;
  g_autofree char *findings = NULL;

  use_rule (rows[i].rule);
  source = make_profile (1, rows[i].source);
  target = make_profile (2, rows[i].target);
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  findings = show_findings (verdict);
  g_assert_cmpstr (findings, ==, rows[i].wanted);
}

/* ---- what a verdict costs ---- */

/* The sanitizer has an allocator of its own. */
#ifndef __SANITIZE_ADDRESS__

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);

static guint n_allocations; /* this program has one thread while it counts */

void *
malloc (size_t size)
{
  n_allocations++;
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  n_allocations++;
  return __libc_calloc (n, size);
}

/* Whatever number of rules hold: the verdict itself, and nothing else. */
static void
test_allocations (void)
{
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (AccmigProfile) target = NULL;
  AccmigVerdict *verdict;
  guint before;

  use_rule ("field=t\nrelation=equal\n[rule s]\nfield=t\nrelation=in\nvalues=a;6.12.1\nside=either\n"
            "[rule u]\n" FIXED "fixed=6.12\nside=either\n[rule v]\nfield=n\nrelation=superset\n");
  source = make_profile (1, T ("6.12.1") ",\"n\":1");
  target = make_profile (2, T ("6.12.1") ",\"n\":3");
  before = n_allocations;
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  g_assert_cmpuint (n_allocations - before, ==, 1);
  g_assert_cmpuint (accmig_verdict_get_n_findings (verdict), ==, 0);
  accmig_verdict_free (verdict);
}
#endif

/* Texts are interned as long as somebody has them, and no longer: whoever sends profiles cannot fill the
 * memory. */
static void
test_interned_texts (void)
{
  g_autoptr (AccmigProfile) first = NULL;
  g_autoptr (AccmigProfile) second = NULL;

  use_rule ("field=t\nrelation=equal\n");
  first = make_profile (1, T ("the same text"));
  second = make_profile (2, T ("the same text"));
  g_assert_true (first->values[N_MEMBERS + 2].text == second->values[N_MEMBERS + 2].text);
  g_assert_cmpstr (first->values[N_MEMBERS + 2].text, ==, "the same text");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (rows[i].name), " ", '-');
      g_autofree char *path = g_strconcat ("/relations/row/", name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
#ifndef __SANITIZE_ADDRESS__
  g_test_add_func ("/relations/allocations", test_allocations);
#endif
  g_test_add_func ("/relations/interned-texts", test_interned_texts);
  return g_test_run ();
}
