// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings
 *
 * One table says everything about every key. accmig.conf is read first, then the files in accmig.conf.d in
 * the order of their names; a later one wins. A value that is not allowed sets the key back to its default,
 * also when an earlier file had a good one: whoever wrote it wanted that one no longer, and the defaults are
 * the safe side.
 *
 * This file uses GLib alone, since the hook links it too and has to start fast.
 */

#include "common/settings.h"

#include "config.h"
#include "common/names.h"

#include <string.h>

typedef enum
{
  POLICY,
  NUMBER,
  STRING,
  PATH,
  NAMES,  /* of hosts, separated by commas; may be empty */
  CHOICE, /* one word of a few */
} Type;

/* The words of a choice, separated by '|', in the order of the numbers that stand for them. */
#define REMAP_CHOICES  "never|same-pf|any"
#define YES_NO_CHOICES "no|yes"
#define REPAIR_CHOICES "report|drive"

#define HOST_NAME_MAX_BYTES 255

/* @min, @max: of a number. @fallback: the default, as it would stand in the file. @choices: of a choice. */
static const struct
{
  const char *group;
  const char *key;
  Type type;
  const char *fallback;
  guint min, max;
  const char *meaning;
  const char *choices;
} table[] = {
  /* clang-format off */
  [SETTING_ON_AGENT_FAILURE]    = { "gate",       "on-agent-failure",    POLICY, "refuse",             0,  0,
                                    "what the hook does when the agent does not answer" },
  [SETTING_ON_UNKNOWN]          = { "gate",       "on-unknown",          POLICY, "refuse",             0,  0,
                                    "what the gate does when nobody can tell whether the state fits" },
  [SETTING_ON_NO_PROFILE]       = { "gate",       "on-no-profile",       POLICY, "refuse",             0,  0,
                                    "what the gate does when the source sent no profile" },
  [SETTING_HOOK_TIMEOUT]        = { "gate",       "hook-timeout",        NUMBER, "10",                 1,  60,
                                    "seconds a hook may take" },
  [SETTING_RESERVATION_TIMEOUT] = { "gate",       "reservation-timeout", NUMBER, "120",                10, 3600,
                                    "seconds a device stays reserved for a guest that does not come" },
  [SETTING_REMAP]               = { "gate",       "remap",               CHOICE, "never",              0,  0,
                                    "which other device the gate may take for the one a guest's XML names",
                                    REMAP_CHOICES },
  [SETTING_CREATE_MDEV]         = { "gate",       "create-mdev",         CHOICE, "no",                 0,  0,
                                    "whether the gate may have an mdev made for a guest", YES_NO_CHOICES },
  [SETTING_TRIAL]               = { "gate",       "trial",               CHOICE, "no",                 0,  0,
                                    "whether the gate asks a target's driver, too, with the source's match data",
                                    YES_NO_CHOICES },
  [SETTING_BIND]                = { "gate",       "bind",                CHOICE, "no",                 0,  0,
                                    "whether the gate may bind a target to the driver that can migrate it",
                                    YES_NO_CHOICES },
  [SETTING_PROBE_AT_START]      = { "gate",       "probe-at-start",      CHOICE, "no",                 0,  0,
                                    "whether a starting guest's devices are opened before the guest opens them",
                                    YES_NO_CHOICES },
  [SETTING_URI]                 = { "hypervisor", "uri",                 STRING, "qemu:///system",     0,  0,
                                    "libvirt connection of this host" },
  [SETTING_KEEP]                = { "history",    "keep",                NUMBER, "1000",               0,  1000000,
                                    "migrations kept in the history" },
  [SETTING_POLL_PERIOD]         = { "watch",      "poll-period",         NUMBER, "20",                 5,  1000,
                                    "milliseconds between two looks at a device whose events nobody reports" },
  [SETTING_REPAIR]              = { "watch",      "repair",              CHOICE, "report",             0,  0,
                                    "what becomes of a device that stands still while its guest runs",
                                    REPAIR_CHOICES },
  [SETTING_REPAIR_GRACE]        = { "watch",      "repair-grace",        NUMBER, "5",                  1,  20,
                                    "seconds after a migration until its devices are looked at once more" },
  [SETTING_STEP_LIMIT]          = { "drive",      "step-limit",          NUMBER, "30",                 1,  120,
                                    "seconds one step of a registered device may take" },
  [SETTING_SWITCH_LIMIT]        = { "drive",      "switch-limit",        NUMBER, "120",                5,  3600,
                                    "seconds all of a guest's registered devices may take, the guest stopped" },
  [SETTING_SOCKET]              = { "broker",     "socket",              PATH,   ACCMIG_BROKER_SOCKET, 0,  0,
                                    "where the broker listens" },
  [SETTING_LINK_HOSTS]          = { "link",       "hosts",               NAMES,  "",                   0,  0,
                                    "hosts whose agents are told what this one refuses" },
  [SETTING_LINK_SOCKET]         = { "link",       "socket",              PATH,   ACCMIG_LINK_SOCKET,   0,  0,
                                    "where accmig-link listens" },
  /* clang-format on */
};
G_STATIC_ASSERT (G_N_ELEMENTS (table) == N_SETTINGS);

struct _Settings
{
  char *values[N_SETTINGS]; /* every one allowed by the table */
  GPtrArray *warnings;      /* NULL-terminated when loaded */
};

static void G_GNUC_PRINTF (2, 3) warn (Settings *settings, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (settings->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* As accmig_host_is_valid() has it, which is out of this file's reach. */
static gboolean
is_host_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > HOST_NAME_MAX_BYTES || !g_ascii_isalnum (name[0]))
    return FALSE;
  for (gsize i = 1; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("-_.", name[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* Returns: (transfer full): the names in a value, without the white space around them */
static char **
split_names (const char *value)
{
  char **names = g_strsplit (value, ",", -1);

  for (char **name = names; *name != NULL; name++)
    g_strstrip (*name);
  return names;
}

static gboolean
are_host_names (const char *value)
{
  g_auto (GStrv) names = split_names (value);

  for (char **name = names; *name != NULL; name++)
    if (!is_host_name (*name))
      return FALSE;
  return TRUE;
}

/* Returns: the number that stands for a word of a choice; negative when it is none of its words */
static int
find_choice (Setting setting, const char *word)
{
  g_auto (GStrv) words = g_strsplit (table[setting].choices, "|", -1);

  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (words[i], word))
      return i;
  return -1;
}

/* Returns: (transfer full): “a”, “b” or “c” */
static char *
describe_choices (Setting setting)
{
  g_auto (GStrv) words = g_strsplit (table[setting].choices, "|", -1);
  guint n = g_strv_length (words);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s“%s”", i == 0 ? "" : i + 1 < n ? ", " : " or ", words[i]);
  return g_string_free (text, FALSE);
}

static gboolean
is_allowed (Setting setting, const char *value)
{
  switch (table[setting].type)
    {
    case POLICY:
      return g_str_equal (value, "refuse") || g_str_equal (value, "accept");
    case NUMBER:
      return g_ascii_string_to_unsigned (value, 10, table[setting].min, table[setting].max, NULL, NULL);
    case STRING:
      return value[0] != '\0';
    case PATH:
      return g_path_is_absolute (value);
    case NAMES:
      return are_host_names (value);
    case CHOICE:
      return find_choice (setting, value) >= 0;
    }
  g_assert_not_reached ();
}

/* Returns: (transfer full): what is allowed, to follow "must be" */
static char *
describe (Setting setting)
{
  switch (table[setting].type)
    {
    case POLICY:
      return g_strdup ("“refuse” or “accept”");
    case NUMBER:
      return g_strdup_printf ("a number from %u to %u", table[setting].min, table[setting].max);
    case STRING:
      return g_strdup ("some text");
    case PATH:
      return g_strdup ("an absolute path");
    case NAMES:
      return g_strdup ("names of hosts (letters, digits, '-', '_', '.') separated by commas");
    case CHOICE:
      return describe_choices (setting);
    }
  g_assert_not_reached ();
}

static void
set_value (Settings *settings, Setting setting, const char *value)
{
  g_free (settings->values[setting]);
  settings->values[setting] = g_strdup (value);
}

/* ---- files ----------------------------------------------------------------------------------- */

static gboolean
find_setting (const char *group, const char *key, Setting *ret_setting)
{
  for (Setting s = 0; s < N_SETTINGS; s++)
    if (g_str_equal (table[s].group, group) && g_str_equal (table[s].key, key))
      {
        *ret_setting = s;
        return TRUE;
      }
  return FALSE;
}

static void
read_key (Settings *settings, const char *path, GKeyFile *file, const char *group, const char *key)
{
  g_autofree char *value = g_key_file_get_string (file, group, key, NULL);
  g_autofree char *allowed = NULL;
  Setting setting;

  if (!find_setting (group, key, &setting))
    {
      warn (settings, "%s: there is no key “%s” in [%s], ignoring it", path, key, group);
      return;
    }
  if (value != NULL && is_allowed (setting, g_strchomp (value)))
    {
      set_value (settings, setting, value);
      return;
    }
  allowed = describe (setting);
  set_value (settings, setting, table[setting].fallback);
  warn (settings, "%s: %s.%s (%s) is “%s”, must be %s; using the default, %s", path, group, key,
        table[setting].meaning, value == NULL ? "" : value, allowed,
        table[setting].fallback[0] != '\0' ? table[setting].fallback : "none");
}

static gboolean
group_exists (const char *group)
{
  for (Setting s = 0; s < N_SETTINGS; s++)
    if (g_str_equal (table[s].group, group))
      return TRUE;
  return FALSE;
}

static void
read_file (Settings *settings, const char *path)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) groups = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        warn (settings, "%s: %s, ignoring the file", path, error->message);
      return;
    }
  groups = g_key_file_get_groups (file, NULL);
  for (char **group = groups; *group != NULL; group++)
    {
      g_auto (GStrv) keys = g_key_file_get_keys (file, *group, NULL, NULL);

      if (!group_exists (*group))
        {
          warn (settings, "%s: there is no group [%s], ignoring it", path, *group);
          continue;
        }
      for (char **key = keys; keys != NULL && *key != NULL; key++)
        read_key (settings, path, file, *group, *key);
    }
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The drop-ins of @directory in order; hidden files, as editors leave them, are not taken. */
static void
read_drop_ins (Settings *settings, const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    if (g_str_has_suffix (name, ".conf") && name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (directory, names->pdata[i], NULL);

      read_file (settings, path);
    }
}

/* ---- the object ------------------------------------------------------------------------------ */

Settings *
settings_load (const char *directory)
{
  Settings *settings = g_new0 (Settings, 1);
  const char *place = directory != NULL ? directory : g_getenv (ACCMIG_ENV_CONFIG_DIR);
  g_autofree char *path = NULL;
  g_autofree char *drop_ins = NULL;

  if (place == NULL)
    place = ACCMIG_CONFIG_DIR;
  settings->warnings = g_ptr_array_new_with_free_func (g_free);
  for (Setting s = 0; s < N_SETTINGS; s++)
    set_value (settings, s, table[s].fallback);
  path = g_build_filename (place, "accmig.conf", NULL);
  drop_ins = g_build_filename (place, "accmig.conf.d", NULL);
  read_file (settings, path);
  read_drop_ins (settings, drop_ins);
  g_ptr_array_add (settings->warnings, NULL);
  return settings;
}

void
settings_free (Settings *settings)
{
  if (settings == NULL)
    return;
  for (Setting s = 0; s < N_SETTINGS; s++)
    g_free (settings->values[s]);
  g_ptr_array_unref (settings->warnings);
  g_free (settings);
}

gboolean
settings_is_accept (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (setting < N_SETTINGS && table[setting].type == POLICY, FALSE);

  return g_str_equal (settings->values[setting], "accept");
}

guint
settings_get_number (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (setting < N_SETTINGS && table[setting].type == NUMBER, 0);

  return (guint)g_ascii_strtoull (settings->values[setting], NULL, 10);
}

const char *
settings_get_string (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (setting < N_SETTINGS, NULL);
  g_return_val_if_fail (table[setting].type == STRING || table[setting].type == PATH, NULL);

  return settings->values[setting];
}

guint
settings_get_choice (const Settings *settings, Setting setting)
{
  g_return_val_if_fail (setting < N_SETTINGS && table[setting].type == CHOICE, 0);

  return (guint)find_choice (setting, settings->values[setting]);
}

gboolean
settings_has_name (const Settings *settings, Setting setting, const char *name)
{
  g_auto (GStrv) names = NULL;

  g_return_val_if_fail (setting < N_SETTINGS && table[setting].type == NAMES, FALSE);

  names = split_names (settings->values[setting]);
  return g_strv_contains ((const char *const *)names, name);
}

const char *const *
settings_get_warnings (const Settings *settings)
{
  return (const char *const *)settings->warnings->pdata;
}
