// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text of a family file
 *
 * GKeyFile's syntax, read by our own code for two things that GKeyFile cannot do: tell the line of what it
 * took, and refuse what stands there twice. Nothing in such a file needs an escape, so there are none.
 */

#include "family-text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fd-private.h"

/* Longest line, in bytes: a cause repeats it. */
#define MAX_LINE 2000

/* ---- errors ---- */

void
family_text_set_error (GError **error, const char *path, guint line, const char *format, ...)
{
  g_autofree char *cause = NULL;
  va_list args;

  va_start (args, format);
  cause = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "%s:%u: %s", path, line, cause);
}

/* ---- objects ---- */

static void
key_free (gpointer data)
{
  FamilyKey *key = data;

  g_free (key->name);
  g_free (key->value);
  g_free (key);
}

static void
group_free (gpointer data)
{
  FamilyGroup *group = data;

  g_free (group->name);
  g_ptr_array_unref (group->keys);
  g_free (group);
}

void
family_text_free (FamilyText *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->groups);
  g_free (self->path);
  g_free (self);
}

const FamilyKey *
family_group_find (const FamilyGroup *group, const char *name)
{
  for (guint i = 0; i < group->keys->len; i++)
    {
      const FamilyKey *key = g_ptr_array_index (group->keys, i);

      if (strcmp (key->name, name) == 0)
        return key;
    }
  return NULL;
}

const char *
family_group_get (const FamilyGroup *group, const char *name)
{
  const FamilyKey *key = family_group_find (group, name);

  return key != NULL ? key->value : NULL;
}

char **
family_key_list (const FamilyKey *key, GError **error)
{
  g_auto (GStrv) items = g_strsplit (key->value, ";", -1);
  guint n = g_strv_length (items);

  for (guint i = 0; i < n; i++)
    g_strstrip (items[i]);
  if (n > 1 && *items[n - 1] == '\0')
    g_clear_pointer (&items[--n], g_free);
  for (guint i = 0; i < n; i++)
    if (*items[i] == '\0')
      {
        (void)fail_at (error, key, "%s has an empty item", key->name);
        return NULL;
      }
  return g_steal_pointer (&items);
}

/* ---- lines ---- */

/* Where we are in the text: its current line. */
typedef struct
{
  const char *path;
  guint line;
} Place;

static gboolean
has_group (const FamilyText *self, const char *name)
{
  for (guint i = 0; i < self->groups->len; i++)
    {
      const FamilyGroup *group = g_ptr_array_index (self->groups, i);

      if (strcmp (group->name, name) == 0)
        return TRUE;
    }
  return FALSE;
}

/* @line: "[rule magic]", its white space stripped */
static gboolean
add_group (FamilyText *self, const Place *place, const char *line, GError **error)
{
  gsize length = strlen (line);
  g_autofree char *name = NULL;
  FamilyGroup *group;

  if (length < 3 || line[length - 1] != ']')
    return fail_at (error, place, "“%s” is no group: “[NAME]” wanted", line);
  name = g_strndup (line + 1, length - 2);
  if (has_group (self, name))
    return fail_at (error, place, "a second group [%s]", name);

  group = g_new0 (FamilyGroup, 1);
  group->path = self->path;
  group->line = place->line;
  group->name = g_steal_pointer (&name);
  group->keys = g_ptr_array_new_with_free_func (key_free);
  g_ptr_array_add (self->groups, group);
  return TRUE;
}

/* @line: "key=value", its white space stripped */
static gboolean
add_key (FamilyText *self, const Place *place, const char *line, GError **error)
{
  const char *equals = strchr (line, '=');
  g_autofree char *name = equals != NULL ? g_strchomp (g_strndup (line, (gsize)(equals - line))) : NULL;
  g_autofree char *value = equals != NULL ? g_strchug (g_strdup (equals + 1)) : NULL;
  FamilyGroup *group;
  FamilyKey *key;

  if (equals == NULL)
    return fail_at (error, place, "“%s” is no key with a value: “KEY=VALUE” wanted", line);
  if (self->groups->len == 0)
    return fail_at (error, place, "a key before the first group");
  group = g_ptr_array_index (self->groups, self->groups->len - 1);
  if (*value == '\0')
    return fail_at (error, place, "%s has no value", name);
  if (family_group_find (group, name) != NULL)
    return fail_at (error, place, "a second %s in [%s]", name, group->name);

  key = g_new0 (FamilyKey, 1);
  key->path = self->path;
  key->line = place->line;
  key->name = g_steal_pointer (&name);
  key->value = g_steal_pointer (&value);
  g_ptr_array_add (group->keys, key);
  return TRUE;
}

static gboolean
has_odd_character (const char *line)
{
  if (!g_utf8_validate (line, -1, NULL) || strchr (line, '\\') != NULL)
    return TRUE;
  for (; *line != '\0'; line = g_utf8_next_char (line))
    if (g_unichar_iscntrl (g_utf8_get_char (line)))
      return TRUE;
  return FALSE;
}

/* @line: changed */
static gboolean
add_line (FamilyText *self, const Place *place, char *line, GError **error)
{
  if (strlen (line) > MAX_LINE)
    return fail_at (error, place, "more than %d bytes in a line", MAX_LINE);
  if (has_odd_character (line))
    return fail_at (error, place, "a control character, a backslash, or what is not UTF-8");
  g_strstrip (line);
  if (*line == '\0' || *line == '#')
    return TRUE;
  return *line == '[' ? add_group (self, place, line, error) : add_key (self, place, line, error);
}

/* ---- the file ---- */

/*
 * @text: (out caller-allocates): FAMILY_TEXT_MAX_SIZE + 1 bytes
 * @ret_length: bytes read, one more than allowed for a file that is larger
 */
static gboolean
read_bytes (const char *path, char *text, gsize *ret_length, GError **error)
{
  g_auto (AutoFd) fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gsize length = 0;
  ssize_t n = 0;

  if (fd < 0)
    return fail_errno (error, errno, "%s", path);
  do
    {
      n = read (fd, text + length, FAMILY_TEXT_MAX_SIZE + 1 - length);
      length += n > 0 ? (gsize)n : 0;
  } while (n > 0 || (n < 0 && errno == EINTR));
  if (n < 0)
    return fail_errno (error, errno, "%s", path);
  *ret_length = length;
  return TRUE;
}

FamilyText *
family_text_read (const char *path, GError **error)
{
  g_autofree char *content = g_malloc (FAMILY_TEXT_MAX_SIZE + 2);
  g_auto (GStrv) lines = NULL;
  g_autoptr (FamilyText) self = NULL;
  gsize length = 0;

  if (!read_bytes (path, content, &length, error))
    return NULL;
  content[length] = '\0';
  if (length > FAMILY_TEXT_MAX_SIZE || strlen (content) != length)
    {
      (void)fail (error, length > FAMILY_TEXT_MAX_SIZE ? ACCMIG_ERROR_LIMIT : ACCMIG_ERROR_INVALID,
                  "%s: a NUL in it, or more than %d bytes", path, FAMILY_TEXT_MAX_SIZE);
      return NULL;
    }

  self = g_new0 (FamilyText, 1);
  self->path = g_strdup (path);
  self->groups = g_ptr_array_new_with_free_func (group_free);
  lines = g_strsplit (content, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!add_line (self, &(Place){ self->path, i + 1 }, lines[i], error))
      return NULL;
  return g_steal_pointer (&self);
}
