// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a driver shows of a stream that it was given
 *
 * The text of hisi_acc's migf_data. What is read from it and written anew, as the driver writes, is read as
 * the same again, and so is everything shorter; one byte more than came is not there.
 */

#include "fuzz.h"

#include <accmigd/migf-data.h>
#include <string.h>

#define SIZE  40 /* of hisi_acc's match data */
#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_TRUNCATED))

/* Returns: (transfer full): as the driver shows @match when nothing followed it. */
static char *
format (const guint8 *match, gsize size)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < size; i++)
    {
      if (i % 16 == 0)
        g_string_append_printf (text, "%sMig Data:%08x:", i > 0 ? "\n" : "", (guint)i);
      g_string_append_printf (text, " %02x", match[i]);
    }
  g_string_append_printf (text, "\nmigrate data length: %u\n", (guint)size);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
check_format (const guint8 *match)
{
  g_autofree char *text = format (match, SIZE);
  g_autoptr (GError) error = NULL;
  guint8 again[SIZE + 1];

  for (gsize size = 0; size <= SIZE; size++)
    {
      g_assert_true (migf_data_parse (text, strlen (text), again, size, &error));
      g_assert_cmpmem (again, size, match, size);
    }
  g_assert_false (migf_data_parse (text, strlen (text), again, SIZE + 1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  guint8 match[SIZE];
  gboolean accepted = migf_data_parse ((const char *)data, size, match, SIZE, &error);

  fuzz_check_outcome (accepted, error, CODES);
  if (accepted)
    check_format (match);
  return 0;
}
