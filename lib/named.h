/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Enumerations whose values have names, in a table by value. */

/* @names: without gaps. @ret_value: untouched when there is no such name. */
static inline gboolean
named_find (const char *const *names, gsize n_names, const char *name, guint *ret_value)
{
  for (gsize i = 0; i < n_names; i++)
    if (g_strcmp0 (names[i], name) == 0)
      {
        *ret_value = (guint)i;
        return TRUE;
      }
  return FALSE;
}
