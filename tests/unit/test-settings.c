// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings: defaults, order of the files, and the sentence for everything that was not taken.
 */

#include "common/settings.h"

#include <accmig/domain.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *drop_ins = NULL;

  f->directory = g_dir_make_tmp ("accmig-settings-XXXXXX", NULL);
  g_assert_nonnull (f->directory);
  drop_ins = g_build_filename (f->directory, "accmig.conf.d", NULL);
  g_assert_cmpint (g_mkdir (drop_ins, 0755), ==, 0);
}

static void
empty_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (g_file_test (file, G_FILE_TEST_IS_DIR))
        empty_directory (file);
      g_remove (file);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  empty_directory (f->directory);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
}

static void
write_file (const Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* @sentence: what follows the directory; NULL for no warning at all */
static void
check_warning (const Fixture *f, const Settings *settings, const char *sentence)
{
  const char *const *warnings = settings_get_warnings (settings);

  if (sentence == NULL)
    {
      g_assert_cmpstr (warnings[0], ==, NULL);
      return;
    }
  g_assert_nonnull (warnings[0]);
  g_assert_true (g_str_has_prefix (warnings[0], f->directory));
  g_assert_cmpstr (warnings[0] + strlen (f->directory) + 1, ==, sentence);
  g_assert_cmpstr (warnings[1], ==, NULL);
}

static void
check_defaults (const Settings *settings)
{
  g_assert_false (settings_is_accept (settings, SETTING_ON_AGENT_FAILURE));
  g_assert_false (settings_is_accept (settings, SETTING_ON_UNKNOWN));
  g_assert_false (settings_is_accept (settings, SETTING_ON_NO_PROFILE));
  g_assert_cmpuint (settings_get_number (settings, SETTING_HOOK_TIMEOUT), ==, 10);
  g_assert_cmpuint (settings_get_number (settings, SETTING_RESERVATION_TIMEOUT), ==, 120);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_REMAP), ==, 0);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_CREATE_MDEV), ==, 0);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_PROBE_AT_START), ==, 0);
  g_assert_cmpstr (settings_get_string (settings, SETTING_URI), ==, "qemu:///system");
  g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 1000);
  g_assert_cmpuint (settings_get_number (settings, SETTING_POLL_PERIOD), ==, 20);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_REPAIR), ==, 0);
  g_assert_cmpuint (settings_get_number (settings, SETTING_REPAIR_GRACE), ==, 5);
  g_assert_cmpuint (settings_get_number (settings, SETTING_STEP_LIMIT), ==, 30);
  g_assert_cmpuint (settings_get_number (settings, SETTING_SWITCH_LIMIT), ==, 120);
  g_assert_cmpstr (settings_get_string (settings, SETTING_SOCKET), ==, "/run/accmig/broker.socket");
  g_assert_false (settings_has_name (settings, SETTING_LINK_HOSTS, ""));
  g_assert_false (settings_has_name (settings, SETTING_LINK_HOSTS, "cn01"));
  g_assert_cmpstr (settings_get_string (settings, SETTING_LINK_SOCKET), ==, "/run/accmig/link.socket");
}

static void
test_no_files (Fixture *f, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (f->directory, "nowhere", NULL);
  g_autoptr (Settings) empty = settings_load (f->directory);
  g_autoptr (Settings) none = settings_load (nowhere);

  check_defaults (empty);
  check_warning (f, empty, NULL);
  check_defaults (none);
  check_warning (f, none, NULL);
}

/* The file that we ship shows the defaults: with every key uncommented it must still say the same, without a
 * warning. */
static void
test_shipped (Fixture *f, gconstpointer data)
{
  g_autofree char *text = NULL;
  g_autoptr (GRegex) keys = g_regex_new ("^#([a-z-]+=)", G_REGEX_MULTILINE, 0, NULL);
  g_autofree char *active = NULL;
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;
  gsize n = 0;

  g_assert_true (g_file_get_contents (g_getenv ("ACCMIG_SHIPPED_CONF"), &text, NULL, NULL));
  active = g_regex_replace (keys, text, -1, 0, "\\1", 0, NULL);
  write_file (f, "accmig.conf", active);
  settings = settings_load (f->directory);
  check_defaults (settings);
  check_warning (f, settings, NULL);

  g_assert_true (g_key_file_load_from_data (file, active, -1, G_KEY_FILE_NONE, NULL));
  groups = g_key_file_get_groups (file, NULL);
  for (char **group = groups; *group != NULL; group++)
    {
      gsize in_group = 0;
      g_auto (GStrv) names = g_key_file_get_keys (file, *group, &in_group, NULL);

      g_assert_nonnull (names);
      n += in_group;
    }
  g_assert_cmpuint (n, ==, N_SETTINGS);
}

static void
test_all_set (Fixture *f, gconstpointer data)
{
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf",
              "[gate]\non-agent-failure=accept\non-unknown=accept \non-no-profile = accept\nhook-timeout=60\n"
              "reservation-timeout=3600\nremap=any\ncreate-mdev=yes\nprobe-at-start=yes\n"
              "[hypervisor]\nuri=test:///default\n[history]\nkeep=0\n"
              "[watch]\npoll-period=5\nrepair=drive\nrepair-grace=20\n"
              "[drive]\nstep-limit=120\nswitch-limit=3600\n"
              "[broker]\nsocket=/x\n[link]\nhosts=cn01\nsocket=/y\n");
  settings = settings_load (f->directory);
  check_warning (f, settings, NULL);
  g_assert_true (settings_is_accept (settings, SETTING_ON_AGENT_FAILURE));
  g_assert_true (settings_is_accept (settings, SETTING_ON_UNKNOWN));
  g_assert_true (settings_is_accept (settings, SETTING_ON_NO_PROFILE));
  g_assert_cmpuint (settings_get_number (settings, SETTING_HOOK_TIMEOUT), ==, 60);
  g_assert_cmpuint (settings_get_number (settings, SETTING_RESERVATION_TIMEOUT), ==, 3600);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_REMAP), ==, 2);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_CREATE_MDEV), ==, 1);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_PROBE_AT_START), ==, 1);
  g_assert_cmpstr (settings_get_string (settings, SETTING_URI), ==, "test:///default");
  g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 0);
  g_assert_cmpuint (settings_get_number (settings, SETTING_POLL_PERIOD), ==, 5);
  g_assert_cmpuint (settings_get_choice (settings, SETTING_REPAIR), ==, 1);
  g_assert_cmpuint (settings_get_number (settings, SETTING_REPAIR_GRACE), ==, 20);
  g_assert_cmpuint (settings_get_number (settings, SETTING_STEP_LIMIT), ==, 120);
  g_assert_cmpuint (settings_get_number (settings, SETTING_SWITCH_LIMIT), ==, 3600);
  g_assert_cmpstr (settings_get_string (settings, SETTING_SOCKET), ==, "/x");
  g_assert_true (settings_has_name (settings, SETTING_LINK_HOSTS, "cn01"));
  g_assert_cmpstr (settings_get_string (settings, SETTING_LINK_SOCKET), ==, "/y");
}

/* Names are taken whole and letter for letter. */
static void
test_names (Fixture *f, gconstpointer data)
{
  static const char *const there[] = { "cn01", "cn-02.example", "3_c" };
  static const char *const not_there[] = {
    "", "cn", "cn011", "CN01", "cn01,cn-02.example", " cn01", "cn01 "
  };
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf", "[link]\nhosts = cn01,cn-02.example ,\t3_c \n");
  settings = settings_load (f->directory);
  check_warning (f, settings, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (there); i++)
    g_assert_true (settings_has_name (settings, SETTING_LINK_HOSTS, there[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (not_there); i++)
    g_assert_false (settings_has_name (settings, SETTING_LINK_HOSTS, not_there[i]));
}

/* The rule for a name stands here and in the library, out of each other's reach: it is the same one. */
static void
test_names_as_in_the_library (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (ACCMIG_HOST_MAX_LENGTH, 'a');
  g_autofree char *longer = g_strnfill (ACCMIG_HOST_MAX_LENGTH + 1, 'a');
  const char *const names[] = { "h",      "H.9",  "9-a_b.", "-h", ".h",    "_h",  "h h",
                                "root@h", "h:22", "h;g",    "hö", longest, longer };
  gsize n_good = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *text = g_strconcat ("[link]\nhosts=", names[i], "\n", NULL);
      g_autoptr (Settings) settings = NULL;

      write_file (f, "accmig.conf", text);
      settings = settings_load (f->directory);
      g_test_message ("“%s”", names[i]);
      g_assert_cmpint (settings_has_name (settings, SETTING_LINK_HOSTS, names[i]), ==,
                       accmig_host_is_valid (names[i]));
      n_good += accmig_host_is_valid (names[i]);
    }
  g_assert_cmpuint (n_good, ==, 4);
}

/* Written in an order that the directory is unlikely to return. */
static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf.d/90-last.conf", "[gate]\nhook-timeout=9\n");
  write_file (f, "accmig.conf", "[gate]\nhook-timeout=1\nreservation-timeout=11\n[history]\nkeep=7\n");
  write_file (f, "accmig.conf.d/10-first.conf", "[gate]\nhook-timeout=2\nreservation-timeout=12\n");
  write_file (f, "accmig.conf.d/.hidden.conf", "[history]\nkeep=8\n");
  write_file (f, "accmig.conf.d/95-old.conf~", "[history]\nkeep=8\n");
  settings = settings_load (f->directory);
  check_warning (f, settings, NULL);
  g_assert_cmpuint (settings_get_number (settings, SETTING_HOOK_TIMEOUT), ==, 9);
  g_assert_cmpuint (settings_get_number (settings, SETTING_RESERVATION_TIMEOUT), ==, 12);
  g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 7);
}

/* A typing error in the file that should close the door must not leave it open. */
static void
test_bad_after_good (Fixture *f, gconstpointer data)
{
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf", "[gate]\non-agent-failure=accept\n");
  write_file (f, "accmig.conf.d/site.conf", "[gate]\non-agent-failure=refuze\n");
  settings = settings_load (f->directory);
  g_assert_false (settings_is_accept (settings, SETTING_ON_AGENT_FAILURE));
  check_warning (
      f, settings,
      "accmig.conf.d/site.conf: gate.on-agent-failure (what the hook does when the agent does not answer) is "
      "“refuze”, must be “refuse” or “accept”; using the default, refuse");
}

static void
test_environment (Fixture *f, gconstpointer data)
{
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf", "[history]\nkeep=3\n");
  g_setenv ("ACCMIG_CONFIG_DIR", f->directory, TRUE);
  settings = settings_load (NULL);
  g_unsetenv ("ACCMIG_CONFIG_DIR");
  g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 3);
}

static const struct
{
  const char *name;
  const char *text;
  const char *warning; /* after "accmig.conf: " */
} bad[] = {
  { "unknown group", "[gates]\nhook-timeout=5\n", "there is no group [gates], ignoring it" },
  { "unknown key", "[gate]\nhook-time=5\n", "there is no key “hook-time” in [gate], ignoring it" },
  { "key of another group", "[watch]\nhook-timeout=5\n",
    "there is no key “hook-timeout” in [watch], ignoring it" },
  { "too small", "[gate]\nhook-timeout=0\n",
    "gate.hook-timeout (seconds a hook may take) is “0”, must be a number from 1 to 60; using the default, "
    "10" },
  { "too large", "[gate]\nhook-timeout=61\n",
    "gate.hook-timeout (seconds a hook may take) is “61”, must be a number from 1 to 60; using the default, "
    "10" },
  { "overflow", "[gate]\nhook-timeout=99999999999999999999\n",
    "gate.hook-timeout (seconds a hook may take) is “99999999999999999999”, must be a number from 1 to 60; "
    "using the "
    "default, 10" },
  { "unit", "[gate]\nhook-timeout=5s\n",
    "gate.hook-timeout (seconds a hook may take) is “5s”, must be a number from 1 to 60; using the default, "
    "10" },
  { "sign", "[gate]\nhook-timeout=+5\n",
    "gate.hook-timeout (seconds a hook may take) is “+5”, must be a number from 1 to 60; using the default, "
    "10" },
  { "empty", "[hypervisor]\nuri=\n",
    "hypervisor.uri (libvirt connection of this host) is “”, must be some text; using the default, "
    "qemu:///system" },
  { "relative", "[broker]\nsocket=run/x\n",
    "broker.socket (where the broker listens) is “run/x”, must be an absolute path; using the default, "
    "/run/accmig/broker.socket" },
  { "an option among names", "[link]\nhosts=cn01,-oProxyCommand=x\n",
    "link.hosts (hosts whose agents are told what this one refuses) is “cn01,-oProxyCommand=x”, must be "
    "names of hosts (letters, "
    "digits, '-', '_', '.') separated by commas; using the default, none" },
  { "a name with a user", "[link]\nhosts=root@cn01\n",
    "link.hosts (hosts whose agents are told what this one refuses) is “root@cn01”, must be names of hosts "
    "(letters, "
    "digits, '-', '_', '.') separated by commas; using the default, none" },
  { "an empty name", "[link]\nhosts=cn01,,cn02\n",
    "link.hosts (hosts whose agents are told what this one refuses) is “cn01,,cn02”, must be names of hosts "
    "(letters, "
    "digits, '-', '_', '.') separated by commas; using the default, none" },
  { "names without a comma", "[link]\nhosts=cn01 cn02\n",
    "link.hosts (hosts whose agents are told what this one refuses) is “cn01 cn02”, must be names of hosts "
    "(letters, "
    "digits, '-', '_', '.') separated by commas; using the default, none" },
  { "no choice", "[gate]\nremap=always\n",
    "gate.remap (which other device the gate may take for the one a guest's XML names) is “always”, must be "
    "“never”, “same-pf” or “any”; using the default, never" },
  { "half a choice", "[gate]\nremap=same\n",
    "gate.remap (which other device the gate may take for the one a guest's XML names) is “same”, must be "
    "“never”, “same-pf” or “any”; using the default, never" },
  { "number for a choice", "[gate]\ncreate-mdev=1\n",
    "gate.create-mdev (whether the gate may have an mdev made for a guest) is “1”, must be “no” or “yes”; "
    "using the default, no" },
  { "capitals", "[gate]\non-unknown=Accept\n",
    "gate.on-unknown (what the gate does when nobody can tell whether the state fits) is “Accept”, must be "
    "“refuse” or "
    "“accept”; using the default, refuse" },
};

static void
test_bad (Fixture *f, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autofree char *sentence = g_strconcat ("accmig.conf: ", bad[i].warning, NULL);
  g_autoptr (Settings) settings = NULL;

  write_file (f, "accmig.conf", bad[i].text);
  settings = settings_load (f->directory);
  check_defaults (settings);
  check_warning (f, settings, sentence);
}

/* Files that are none: each is one warning, and what the others say still counts. */
static void
test_bad_files (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "no group\n", "[gate\n", "[gate]\n\xff\xfe=1\n",
                                       "[gate]\nno value\n" };
  g_autofree char *directory = g_build_filename (f->directory, "accmig.conf.d", "20-dir.conf", NULL);

  write_file (f, "accmig.conf.d/90.conf", "[history]\nkeep=5\n");
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (Settings) settings = NULL;

      write_file (f, "accmig.conf", texts[i]);
      settings = settings_load (f->directory);
      g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 5);
      g_assert_nonnull (settings_get_warnings (settings)[0]);
      g_assert_null (settings_get_warnings (settings)[1]);
    }
  write_file (f, "accmig.conf", "");
  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  {
    g_autoptr (Settings) settings = settings_load (f->directory);

    g_assert_cmpuint (settings_get_number (settings, SETTING_KEEP), ==, 5);
    g_assert_nonnull (settings_get_warnings (settings)[0]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/settings/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("no-files", test_no_files);
  ADD ("shipped", test_shipped);
  ADD ("all-set", test_all_set);
  ADD ("names", test_names);
  ADD ("names-as-in-the-library", test_names_as_in_the_library);
  ADD ("order", test_order);
  ADD ("bad-after-good", test_bad_after_good);
  ADD ("environment", test_environment);
  ADD ("bad-files", test_bad_files);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strdup_printf ("/settings/bad/%s", bad[i].name);

      g_test_add (name, Fixture, GSIZE_TO_POINTER (i), set_up, test_bad, tear_down);
    }
  return g_test_run ();
}
