// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asserting what a stream is: see stream-assert.h
 */

#include "stream-assert.h"

#include <string.h>

void
stream_put (guint8 *stream, gsize offset, gsize width, guint64 value)
{
  for (gsize i = 0; i < width; i++)
    stream[offset + i] = (guint8)(value >> (8 * i));
}

const AccmigStreamField *
stream_find_field (const AccmigStreamInfo *info, const char *name)
{
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    if (strcmp (accmig_stream_info_get_field (info, i)->name, name) == 0)
      return accmig_stream_info_get_field (info, i);
  return NULL;
}

void
stream_assert_fields (const AccmigStreamInfo *info, const StreamWanted *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      const AccmigStreamField *field = stream_find_field (info, rows[i].name);

      if (field == NULL)
        g_error ("no field %s", rows[i].name);
      g_assert_cmpuint (field->offset, ==, rows[i].offset);
      g_assert_cmpuint (field->size, ==, rows[i].size);
      g_assert_cmpstr (field->value, ==, rows[i].value);
    }
}

void
stream_assert_covered (const AccmigStreamInfo *info)
{
  guint64 at = 0;

  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      g_assert_cmpuint (field->offset, ==, at);
      at += field->size;
    }
  g_assert_cmpuint (at, ==, accmig_stream_info_get_length (info));
}

void
stream_assert_refused (const guint8 *data, gsize length, AccmigError code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (accmig_stream_inspect_bytes (data, length, &error));
  g_assert_error (error, ACCMIG_ERROR, (int)code);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}
