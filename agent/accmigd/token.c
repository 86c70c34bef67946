// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Token
 *
 * Eight random digits, and the first eight of the SHA-256 of the host's name followed by them.
 */

#include "token.h"

#include <string.h>
#include <systemd/sd-id128.h>

#define HALF_DIGITS 8

char *
token_make_host (void)
{
  char text[SD_ID128_STRING_MAX];
  sd_id128_t id;

  return g_strdup (sd_id128_get_machine (&id) >= 0 ? sd_id128_to_string (id, text) : g_get_host_name ());
}

/* (transfer full): the second half that @host gives to a token which begins with @digits */
static char *
make_mark (const char *host, const char *digits)
{
  g_autofree char *text = g_strdup_printf ("%s%.*s", host, HALF_DIGITS, digits);
  char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  sum[HALF_DIGITS] = '\0';
  return sum;
}

char *
token_new (const char *host)
{
  g_autofree char *digits = g_strdup_printf ("%08x", g_random_int ());
  g_autofree char *mark = make_mark (host, digits);

  return g_strconcat (digits, mark, NULL);
}

gboolean
token_is_of (const char *token, const char *host)
{
  g_autofree char *mark = NULL;

  if (strlen (token) != 2 * HALF_DIGITS)
    return FALSE;
  mark = make_mark (host, token);
  return g_str_equal (token + HALF_DIGITS, mark);
}
