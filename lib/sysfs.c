// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysfs
 *
 * Attributes, links and directories of sysfs, read through a directory fd. A device can vanish between any
 * two reads; for most callers "the file is not there" and "it never was" mean the same, so absence is an
 * answer here (NULL, FALSE, an empty list) and not an error.
 */

#include "sysfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "directory.h"
#include "fd-private.h"

int
sysfs_open_dir (int dir_fd, const char *path)
{
  return openat (dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

char *
sysfs_read_text (int dir_fd, const char *path)
{
  g_auto (AutoFd) fd = openat (dir_fd, path, O_RDONLY | O_CLOEXEC);
  g_autofree char *text = g_malloc0 (SYSFS_MAX_ATTRIBUTE + 1);
  ssize_t length;

  if (fd < 0)
    return NULL;
  /* One read: the kernel fills an attribute in one go. */
  do
    length = read (fd, text, SYSFS_MAX_ATTRIBUTE);
  while (length < 0 && errno == EINTR);
  if (length <= 0)
    return NULL;

  g_strchomp (text);
  return *text != '\0' ? g_steal_pointer (&text) : NULL;
}

gboolean
sysfs_read_number (int dir_fd, const char *path, gint64 *ret_value)
{
  g_autofree char *text = sysfs_read_text (dir_fd, path);
  char *end = NULL;
  gint64 value;
  int base;

  if (text == NULL)
    return FALSE;
  /* Not base 0: a leading zero is no octal number here. */
  base = g_str_has_prefix (text, "0x") ? 16 : 10;
  errno = 0;
  value = g_ascii_strtoll (text, &end, base);
  if (errno != 0 || end == text || *end != '\0')
    return FALSE;

  *ret_value = value;
  return TRUE;
}

char *
sysfs_read_link_name (int dir_fd, const char *path)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat (dir_fd, path, target, sizeof target - 1);

  if (length <= 0)
    return NULL;
  target[length] = '\0';
  return g_path_get_basename (target);
}

gboolean
sysfs_exists (int dir_fd, const char *path)
{
  return faccessat (dir_fd, path, F_OK, 0) == 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
sysfs_list (int dir_fd, const char *path)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (DIR) dir = directory_open_at (dir_fd, path);

  for (const struct dirent *entry; dir != NULL && (entry = readdir (dir)) != NULL;)
    if (entry->d_name[0] != '.')
      g_ptr_array_add (names, g_strdup (entry->d_name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_steal (names, NULL);
}
