// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Metadata
 *
 * The element that a source writes into its guests' XML, for the destination to read: domain.c reads it.
 */

#include <accmig/domain.h>

#include <string.h>

/* @text: (nullable) */
static gboolean
is_word (const char *text, gsize max_length)
{
  gsize length = text == NULL ? 0 : strlen (text);

  if (length == 0 || length > max_length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && strchr ("-_.", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
accmig_alias_is_valid (const char *alias)
{
  return is_word (alias, ACCMIG_ALIAS_MAX_LENGTH);
}

gboolean
accmig_host_is_valid (const char *host)
{
  return is_word (host, ACCMIG_HOST_MAX_LENGTH) && g_ascii_isalnum (host[0]);
}

char *
accmig_metadata_format (const char *token, const char *host, const char *const *keys,
                        const char *const *profiles, gsize n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (accmig_alias_is_valid (token), NULL);

  g_string_append_printf (text, "<devices token=\"%s\"", token);
  if (accmig_host_is_valid (host))
    g_string_append_printf (text, " host=\"%s\"", host);
  g_string_append (text, ">");
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *device =
          g_markup_printf_escaped ("<device alias=\"%s\">%s</device>", keys[i], profiles[i]);

      g_string_append (text, device);
    }
  g_string_append (text, "</devices>");
  return g_string_free (g_steal_pointer (&text), FALSE);
}
