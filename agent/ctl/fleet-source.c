// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sources of a fleet
 *
 * One file or host that cannot be read does not spoil the rest: it is named, and what is said of the fleet is
 * said of the others.
 */

#include "fleet-source.h"

#include <accmig/error.h>
#include <gio/gio.h>
#include <string.h>

#include "client.h"
#include "common/names.h"
#include "hosts.h"
#include "profile-reader.h"

#define SUFFIX    ".json"
#define DEPTH_MAX 16 /* directories inside one another */

typedef struct
{
  AccmigFleet *fleet;
  GPtrArray *left_out;
} Source;

static void
left_out_free (gpointer data)
{
  LeftOut *left_out = data;

  g_free (left_out->name);
  g_free (left_out->cause);
  g_free (left_out);
}

/* @cause: (transfer full) */
static void
leave_out (Source *self, const char *name, GError *cause)
{
  LeftOut *left_out = g_new0 (LeftOut, 1);

  left_out->name = g_strdup (name);
  left_out->cause = g_strdup (cause->message);
  g_ptr_array_add (self->left_out, left_out);
  g_error_free (cause);
}

/* @name: of the file or host. Returns: FALSE when the fleet takes no more */
static gboolean
read_stream (Source *self, const char *name, const char *host, GInputStream *stream, GError **error)
{
  g_autoptr (ProfileReader) reader = profile_reader_new (stream);
  GError *cause = NULL;
  AccmigProfile *profile = NULL;
  gboolean ok = TRUE;

  while (ok && (profile = profile_reader_next (reader, &cause)) != NULL)
    {
      ok = accmig_fleet_add (self->fleet, host, profile, error);
      accmig_profile_unref (profile);
    }
  if (cause != NULL)
    leave_out (self, name, cause);
  return ok;
}

/* ---- files ---- */

static char *
strip_suffix (const char *name)
{
  return g_strndup (name, strlen (name) - (g_str_has_suffix (name, SUFFIX) ? strlen (SUFFIX) : 0));
}

/* @host: (nullable): NULL when the file's name is its name */
static gboolean
read_file (Source *self, const char *path, const char *host, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *own = strip_suffix (base);
  GError *cause = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &cause);

  if (stream != NULL)
    return read_stream (self, path, host != NULL ? host : own, G_INPUT_STREAM (stream), error);
  leave_out (self, path, cause);
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* (transfer full) (nullable): sorted, without those that begin with a dot */
static GPtrArray *
list_directory (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  GPtrArray *names = dir != NULL ? g_ptr_array_new_with_free_func (g_free) : NULL;

  for (const char *name = NULL; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    if (*name != '.')
      g_ptr_array_add (names, g_strdup (name));
  if (names != NULL)
    g_ptr_array_sort (names, compare_names);
  return names;
}

/* Links to directories are not followed, lest one leads back. @host: (nullable): NULL at the top */
static gboolean
read_directory (Source *self, const char *path, const char *host, guint depth, GError **error)
{
  GError *cause = NULL;
  g_autoptr (GPtrArray) names = list_directory (path, &cause);
  gboolean ok = TRUE;

  if (names == NULL)
    leave_out (self, path, cause);
  for (guint i = 0; ok && names != NULL && i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *inner = g_build_filename (path, name, NULL);

      if (g_file_test (inner, G_FILE_TEST_IS_REGULAR))
        ok = !g_str_has_suffix (name, SUFFIX) || read_file (self, inner, host, error);
      else if (depth < DEPTH_MAX && g_file_test (inner, G_FILE_TEST_IS_DIR)
               && !g_file_test (inner, G_FILE_TEST_IS_SYMLINK))
        ok = read_directory (self, inner, host != NULL ? host : name, depth + 1, error);
    }
  return ok;
}

/* ---- hosts ---- */

char *
fleet_source_ask (const char *host, GError **error)
{
  g_autoptr (Client) client = client_new (host, error);
  g_autoptr (GVariant) objects = client != NULL ? client_get_objects (client, error) : NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  GVariantIter iter;
  g_autoptr (GVariant) interfaces = NULL;

  if (objects == NULL)
    return NULL;
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", NULL, &interfaces))
    {
      g_autoptr (GVariant) device =
          g_variant_lookup_value (interfaces, ACCMIG_IFACE_DEVICE, G_VARIANT_TYPE_VARDICT);
      g_autofree char *profile = NULL;
      g_autoptr (GError) call_error = NULL;
      const char *address = "";

      if (device == NULL || !g_variant_lookup (device, "Address", "&s", &address))
        continue;
      profile = client_call_text (client, "GetProfile", address, &call_error);
      if (profile != NULL)
        g_string_append_printf (lines, "%s\n", profile);
      else if (!g_error_matches (call_error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND)) /* it may have gone */
        {
          g_propagate_error (error, g_steal_pointer (&call_error));
          return NULL;
        }
    }
  return g_string_free (g_steal_pointer (&lines), FALSE);
}

static char *
ask_host (const char *host, const char *text, GError **error)
{
  return fleet_source_ask (host, error);
}

/* "[user@]host" without the user: as whom it was asked does not matter. */
static const char *
name_of (const char *host)
{
  const char *at = strrchr (host, '@');

  return at != NULL ? at + 1 : host;
}

static gboolean
read_hosts (Source *self, const char *list, GError **error)
{
  g_auto (GStrv) hosts = hosts_split (list, error);
  g_autoptr (GPtrArray) answers = NULL;
  gboolean ok = hosts != NULL;

  if (ok)
    answers = hosts_ask (hosts, ask_host, NULL, HOSTS_LIMIT_USEC);
  for (guint i = 0; ok && i < answers->len; i++)
    {
      HostAnswer *answer = answers->pdata[i];
      g_autoptr (GInputStream) stream = NULL;

      if (answer->text == NULL)
        {
          leave_out (self, answer->host, g_steal_pointer (&answer->error));
          continue;
        }
      stream = g_memory_input_stream_new_from_data (answer->text, -1, NULL);
      ok = read_stream (self, answer->host, name_of (answer->host), stream, error);
    }
  return ok;
}

/* ---- either ---- */

static gboolean
read_all (Source *self, const char *where, GError **error)
{
  if (g_file_test (where, G_FILE_TEST_IS_DIR))
    return read_directory (self, where, NULL, 0, error);
  if (strchr (where, '/') != NULL || g_file_test (where, G_FILE_TEST_IS_REGULAR))
    return read_file (self, where, NULL, error);
  return read_hosts (self, where, error);
}

AccmigFleet *
fleet_source_read (const char *where, GPtrArray **left_out, GError **error)
{
  g_autoptr (AccmigFleet) fleet = accmig_fleet_new (ACCMIG_COMPAT_NONE);
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (left_out_free);
  Source self = { fleet, missing };

  if (!read_all (&self, where, error))
    return NULL;
  if (accmig_fleet_get_n_profiles (fleet) == 0)
    {
      const LeftOut *first = missing->len > 0 ? missing->pdata[0] : NULL;

      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "%s: no profile%s%s%s%s", where,
                   first != NULL ? "; " : "", first != NULL ? first->name : "", first != NULL ? ": " : "",
                   first != NULL ? first->cause : "");
      return NULL;
    }
  accmig_fleet_classify (fleet);
  *left_out = g_steal_pointer (&missing);
  return g_steal_pointer (&fleet);
}
