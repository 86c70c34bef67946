// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nova's directory
 *
 * Nova puts all files together, and gives up when two entries are about the same provider. One that is named
 * by its UUID here and by its name there is noticed only later, and $COMPUTE_NODE leaves out whoever is named
 * anywhere; so far as a host's name tells, both are found here, too.
 */

#include "nova-directory.h"

#include <accmig/error.h>
#include <errno.h>
#include <string.h>

#include "file.h"

#define SUFFIX         ".yaml"
#define SIZE_MAX_BYTES (1024 * 1024)

/* Our entry. */
typedef struct
{
  const char *host;
  gboolean by_name;
  const char *id;
} Own;

gboolean
nova_file_is_read (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  return *name != '.' && g_str_has_suffix (name, SUFFIX);
}

/* Whether two names are of one host: “cn01” and “cn01.example.org” are. */
static gboolean
is_same_host (const char *a, const char *b)
{
  gsize length = MIN (strlen (a), strlen (b));

  return g_ascii_strncasecmp (a, b, length) == 0 && (a[length] == '\0' || a[length] == '.')
         && (b[length] == '\0' || b[length] == '.');
}

/* Whether an entry is about the host's own provider, as far as can be told. */
static gboolean
is_root (const Own *own, gboolean by_name, const char *id)
{
  return by_name ? is_same_host (id, own->host) : g_str_equal (id, NOVA_COMPUTE_NODE);
}

static gboolean
check_provider (const Own *own, const char *path, const NovaProvider *other, GError **error)
{
  /* --compute-node says of a UUID that it is the host's. */
  gboolean own_is_root = !own->by_name || is_root (own, own->by_name, own->id);

  if (g_ascii_strcasecmp (own->id, other->id) == 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                 "%s configures “%s” already, and a second time keeps nova-compute from starting", path,
                 other->id);
  else if (own_is_root && is_root (own, other->by_name, other->id))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                 "%s configures this host's provider as “%s”, which does not go together with “%s”", path,
                 other->id, own->id);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_file (const Own *own, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = file_read (path, SIZE_MAX_BYTES, error);
  gsize length = 0;
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;
  g_autoptr (GPtrArray) providers = NULL;

  if (bytes == NULL)
    return FALSE;
  providers = nova_document_parse (text != NULL ? text : "", length, error);
  if (providers == NULL)
    {
      g_prefix_error (error, "%s, with which nova-compute would not start: ", path);
      return FALSE;
    }
  for (guint i = 0; i < providers->len; i++)
    if (!check_provider (own, path, providers->pdata[i], error))
      return FALSE;
  return TRUE;
}

gboolean
nova_directory_check (const char *path, const char *host, gboolean by_name, const char *id, GError **error)
{
  const Own own = { host, by_name, id };
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *own_name = g_path_get_basename (path);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, error);

  if (dir == NULL)
    return FALSE;
  for (const char *name = NULL; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *other = g_build_filename (directory, name, NULL);

      if (nova_file_is_read (name) && !g_str_equal (name, own_name) && !check_file (&own, other, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
nova_directory_read_own (const char *path, char **ret_text, GError **error)
{
  g_autoptr (GError) read_error = NULL;
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, &read_error))
    {
      if (!g_error_matches (read_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        {
          g_propagate_error (error, g_steal_pointer (&read_error));
          return FALSE;
        }
    }
  else if (!g_str_has_prefix (text, NOVA_DOCUMENT_HEADING))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                   "%s is there and was not written by accmigctl; it stays as it is", path);
      return FALSE;
    }
  *ret_text = g_steal_pointer (&text);
  return TRUE;
}
