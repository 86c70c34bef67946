// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releases: what is read of a text, and which is newer
 */

#include "release.h"

static void
test_parse (void)
{
  static const struct
  {
    const char *text;
    Release release; /* 0: none */
  } rows[] = {
    { "6.12.107+deb13-amd64", RELEASE (6, 12, 107) },
    { "6.1.0-37-amd64", RELEASE (6, 1, 0) },
    { "7.0.0-rc3", RELEASE (7, 0, 0) },
    { "6.19", RELEASE (6, 19, 0) },
    { "6.19-rc1", RELEASE (6, 19, 0) },
    { "5.10.0.2", RELEASE (5, 10, 0) },
    { "99999.99999.99999", RELEASE (99999, 99999, 99999) },
    { "100000.1.1", 0 },
    { "1.100000.1", 0 },
    { "1.1.100000", 0 },
    { "6", 0 },
    { "6.", 0 },
    { "6.x", 0 },
    { "6.1.", 0 },
    { "6.1.x", 0 },
    { ".6.1", 0 },
    { " 6.1.1", 0 },
    { "-6.1.1", 0 },
    { "6.-1.1", 0 },
    { "v6.1.1", 0 },
    { "custom", 0 },
    { "", 0 },
    { NULL, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].text);
      g_assert_cmpuint (release_parse (rows[i].text), ==, rows[i].release);
    }
}

/* From older to newer. */
static void
test_order (void)
{
  static const char *const releases[] = {
    "2.6.39", "4.19.325", "5.4.0",    "6.1.0",  "6.1.140", "6.2.0",
    "6.12.9", "6.12.34",  "6.12.107", "6.19.0", "7.0.0",
  };

  for (gsize i = 1; i < G_N_ELEMENTS (releases); i++)
    g_assert_cmpuint (release_parse (releases[i - 1]), <, release_parse (releases[i]));
}

static void
test_series (void)
{
  g_assert_cmpuint (release_series (RELEASE (6, 12, 107)), ==, RELEASE (6, 12, 0));
  g_assert_cmpuint (release_series (RELEASE (6, 12, 0)), ==, release_series (RELEASE (6, 12, 99999)));
  g_assert_cmpuint (release_series (RELEASE (6, 12, 99999)), !=, release_series (RELEASE (6, 13, 0)));
  g_assert_cmpuint (release_last_of_series (RELEASE (6, 12, 0)), >, RELEASE (6, 12, 99999));
  g_assert_cmpuint (release_last_of_series (RELEASE (6, 12, 0)), <, RELEASE (6, 13, 0));
}

/* What uname -r and uname -v say of kernels as they are shipped. */
static void
test_level (void)
{
  static const struct
  {
    const char *release, *version;
    const char *level; /* (nullable) */
  } rows[] = {
    /* Debian 11, 12, 12 with backports, 13, and a release candidate from experimental */
    { "5.10.0-35-amd64", "#1 SMP Debian 5.10.237-1 (2025-05-19)", "5.10.237" },
    { "6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", "6.1.140" },
    { "6.12.38+deb12-arm64", "#1 SMP Debian 6.12.38-1~bpo12+1 (2025-07-28)", "6.12.38" },
    { "6.12.107+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.107-1 (2026-08-30)", "6.12.107" },
    { "6.16-rc7-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.16~rc7-1~exp1 (2025-07-23)", "6.16.0" },
    /* Ubuntu, whose last number is always 0, also on another release's userland */
    { "6.8.0-60-generic", "#63-Ubuntu SMP PREEMPT_DYNAMIC Tue Apr 15 19:04:15 UTC 2025", "6.8.0" },
    { "6.8.0-60-generic", "#63~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC Tue Apr 22 19:00:15 UTC 2", "6.8.0" },
    /* kernels that are far ahead of their number */
    { "5.14.0-427.el9.x86_64", "#1 SMP PREEMPT_DYNAMIC Fri Feb 23 04:45:07 EST 2024", "5.14.0" },
    { "5.10.0-216.0.0.115.oe2203sp4.aarch64", "#1 SMP Thu Jun 27 15:13:44 CST 2024", "5.10.0" },
    { "6.6.0-72.0.0.76.oe2403sp1.aarch64", "#1 SMP Sat Dec 28 10:14:30 CST 2024", "6.6.0" },
    /* other people's */
    { "6.8.12-11-pve", "#1 SMP PREEMPT_DYNAMIC PMX 6.8.12-11 (2025-05-22T09:39Z)", "6.8.12" },
    { "6.15.3-arch1-1", "#1 SMP PREEMPT_DYNAMIC Thu, 19 Jun 2025 14:41:19 +0000", "6.15.3" },
    { "7.3.0-rc4", "#1 SMP PREEMPT_DYNAMIC Mon Nov  2 10:00:00 UTC 2026", "7.3.0" },
    { "7.3.0-rc4-00012-gdeadbeef0123", "#2 SMP PREEMPT Debian", "7.3.0" },
    /* a version that names Debian, but no release */
    { "6.12.9", "#1 SMP Debian unstable", "6.12.9" },
    { "6.12.9", "#1 SMP NotDebian 6.1.140-1", "6.12.9" },
    { "next-20261102", "#1 SMP", NULL },
    { "", "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *level = release_format_level (rows[i].release, rows[i].version);

      g_test_message ("%s, %s", rows[i].release, rows[i].version);
      g_assert_cmpstr (level, ==, rows[i].level);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/release/parse", test_parse);
  g_test_add_func ("/release/order", test_order);
  g_test_add_func ("/release/series", test_series);
  g_test_add_func ("/release/level", test_level);
  return g_test_run ();
}
