// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ids of registered devices
 *
 * They come from holders and, in a stream, from other hosts; so both accmigd and the broker check them.
 */

#include "registered-id.h"

#include <string.h>

#define UUID_LENGTH 36

gboolean
registered_name_is_valid (const char *name)
{
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");

  return length >= 1 && length <= REGISTERED_NAME_MAX && name[length] == '\0';
}

gboolean
registered_id_is_valid (const char *id)
{
  char uuid[UUID_LENGTH + 1];

  if (g_strlcpy (uuid, id, sizeof uuid) <= UUID_LENGTH || id[UUID_LENGTH] != '/')
    return FALSE;
  return g_uuid_string_is_valid (uuid) && strpbrk (uuid, G_CSET_A_2_Z) == NULL
         && registered_name_is_valid (id + UUID_LENGTH + 1);
}

char *
registered_id_make (const char *uuid, const char *name)
{
  return g_strconcat (uuid, "/", name, NULL);
}
