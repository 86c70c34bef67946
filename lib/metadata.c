// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Metadata
 *
 * The element that a source writes into its guests' XML, for the destination to read: domain.c reads it.
 */

#include <accmig/domain.h>

#include <string.h>

gboolean
accmig_alias_is_valid (const char *alias)
{
  gsize length = alias == NULL ? 0 : strlen (alias);

  if (length == 0 || length > ACCMIG_ALIAS_MAX_LENGTH)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (alias[i]) && strchr ("-_.", alias[i]) == NULL)
      return FALSE;
  return TRUE;
}

char *
accmig_metadata_format (const char *token, const char *const *keys, const char *const *profiles, gsize n)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *start = NULL;

  g_return_val_if_fail (accmig_alias_is_valid (token), NULL);

  start = g_markup_printf_escaped ("<devices token=\"%s\">", token);
  g_string_append (text, start);
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *device =
          g_markup_printf_escaped ("<device alias=\"%s\">%s</device>", keys[i], profiles[i]);

      g_string_append (text, device);
    }
  g_string_append (text, "</devices>");
  return g_string_free (g_steal_pointer (&text), FALSE);
}
