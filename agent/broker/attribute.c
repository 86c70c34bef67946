// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of sysfs: names and reading
 */

#include "attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MAX_SIZE 4096 /* the kernel's own limit is one page */

gboolean
attribute_name_is_valid (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > ATTRIBUTE_NAME_MAX || g_str_equal (name, ".") || g_str_equal (name, ".."))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("_.:-", name[i]) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
attribute_exists (int dir_fd, const char *path)
{
  return faccessat (dir_fd, path, F_OK, 0) == 0;
}

char *
attribute_read (int dir_fd, const char *path)
{
  g_autofree char *text = g_malloc0 (MAX_SIZE + 1);
  int fd = openat (dir_fd, path, O_RDONLY | O_CLOEXEC);
  ssize_t length;

  if (fd < 0)
    return NULL;
  length = TEMP_FAILURE_RETRY (read (fd, text, MAX_SIZE));
  (void)close (fd);
  return length >= 0 ? g_strchomp (g_steal_pointer (&text)) : NULL;
}

char *
attribute_read_link (int dir_fd, const char *path)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat (dir_fd, path, target, sizeof target - 1);

  if (length <= 0)
    return NULL;
  target[length] = '\0';
  return g_path_get_basename (target);
}
