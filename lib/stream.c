// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking into a saved device state
 *
 * The first bytes tell the family, and the family's decoder does the rest. Families whose state is the
 * firmware's (mlx5, virtio, pds) begin with nothing one could know them by. qat does, and is named without
 * being decoded.
 *
 * A stream is read in two steps: enough to know the family, then, for a family that is known, all of it. So a
 * large file of something else is refused at once.
 */

#include "stream-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error-private.h"
#include "hisi-acc.h"

#define HEAD_SIZE 8
#define READ_STEP (1024 * 1024)
/* The largest migsim stream is 1 GiB and a little; nothing else that is known exceeds a few KiB. */
#define STREAM_MAX_SIZE (G_GUINT64_CONSTANT (2) << 30)

struct _AccmigStreamInfo {
  const char *family;
  guint64 length;
  char *summary;
  GArray *fields; /* AccmigStreamField; both texts are the info's */
};

/* clang-format off */
/* A stream belongs to a family when its first @width bytes are @magic. */
static const struct
{
  const char *family;
  gsize width;
  guint64 magic;
  StreamDecoder decode; /* NULL: known by name only */
} families[] = {
  { "hisi_acc", 8, HISI_ACC_MAGIC_V2,                       stream_decode_hisi_acc },
  { "hisi_acc", 8, HISI_ACC_MAGIC_V1,                       stream_decode_hisi_acc },
  { "migsim",   8, G_GUINT64_CONSTANT (0x01004d495347494d), stream_decode_migsim   },
  { "mtty",     8, G_GUINT64_CONSTANT (0x7e9d09898c3e2c4e), stream_decode_mtty     },
  { "qat",      4, G_GUINT64_CONSTANT (0xadf5caea),         NULL                   },
};
/* clang-format on */

static void
field_clear (gpointer item)
{
  AccmigStreamField *field = item;

  g_free ((char *)field->name);
  g_free ((char *)field->value);
}

static AccmigStreamInfo *
info_new (const char *family, guint64 length)
{
  AccmigStreamInfo *info = g_new0 (AccmigStreamInfo, 1);

  info->family = family;
  info->length = length;
  info->fields = g_array_new (FALSE, FALSE, sizeof (AccmigStreamField));
  g_array_set_clear_func (info->fields, field_clear);
  return info;
}

void
accmig_stream_info_free (AccmigStreamInfo *info)
{
  if (info == NULL)
    return;
  g_array_unref (info->fields);
  g_free (info->summary);
  g_free (info);
}

guint64
stream_get_word (StreamBytes stream, gsize offset, gsize width)
{
  guint64 word = 0;

  g_assert (width <= sizeof word && offset <= stream.length && width <= stream.length - offset);
  memcpy (&word, stream.data + offset, width);
  return GUINT64_FROM_LE (word);
}

static void
take_field (AccmigStreamInfo *info, const char *name, guint64 offset, guint64 size, char *value)
{
  AccmigStreamField field = { g_strdup (name), offset, size, value };

  g_array_append_val (info->fields, field);
}

void
stream_info_add_field (AccmigStreamInfo *info, const char *name, guint64 offset, guint64 size,
                       const char *format, ...)
{
  va_list args;

  va_start (args, format);
  take_field (info, name, offset, size, g_strdup_vprintf (format, args));
  va_end (args);
}

void
stream_info_set_summary (AccmigStreamInfo *info, const char *format, ...)
{
  va_list args;

  g_free (info->summary);
  va_start (args, format);
  info->summary = g_strdup_vprintf (format, args);
  va_end (args);
}

static char *
format_words (StreamBytes stream, gsize offset, const StreamLayout *row)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < row->count; i++)
    {
      guint64 word = stream_get_word (stream, offset + (gsize)i * row->width, row->width);

      if (i > 0)
        g_string_append_c (text, ' ');
      if (row->format == STREAM_HEX)
        g_string_append_printf (text, "0x%" G_GINT64_MODIFIER "x", word);
      else
        g_string_append_printf (text, "%" G_GUINT64_FORMAT, word);
    }
  return g_strdup (text->str);
}

void
stream_info_add_layout (AccmigStreamInfo *info, StreamBytes stream, const StreamLayout *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    take_field (info, rows[i].name, rows[i].offset, (guint64)rows[i].width * rows[i].count,
                format_words (stream, rows[i].offset, &rows[i]));
}

gboolean
stream_check_length (StreamBytes stream, const char *family, guint64 wanted, GError **error)
{
  AccmigError code = stream.length < wanted ? ACCMIG_ERROR_TRUNCATED : ACCMIG_ERROR_INVALID;

  if (stream.length == wanted)
    return TRUE;
  return fail (error, code, "the %s stream has %" G_GSIZE_FORMAT " bytes, wanted are %" G_GUINT64_FORMAT,
               family, stream.length, wanted);
}

/* G_N_ELEMENTS (families) when none fits. */
static gsize
find_family (StreamBytes head)
{
  gsize i = 0;

  while (i < G_N_ELEMENTS (families) && stream_get_word (head, 0, families[i].width) != families[i].magic)
    i++;
  return i;
}

static gboolean
check_head (StreamBytes head, GError **error)
{
  if (head.length < HEAD_SIZE)
    return fail (error, ACCMIG_ERROR_TRUNCATED,
                 "the stream has %" G_GSIZE_FORMAT " bytes, its family is told by the first %d", head.length,
                 HEAD_SIZE);
  if (find_family (head) < G_N_ELEMENTS (families))
    return TRUE;
  return fail (error, ACCMIG_ERROR_INVALID,
               "no known family of devices begins its stream with 0x%016" G_GINT64_MODIFIER "x",
               stream_get_word (head, 0, HEAD_SIZE));
}

AccmigStreamInfo *
accmig_stream_inspect_bytes (const guint8 *data, gsize length, GError **error)
{
  StreamBytes stream = { data, length };
  g_autoptr (AccmigStreamInfo) info = NULL;
  gsize family;

  if (!check_head (stream, error))
    return NULL;
  family = find_family (stream);
  info = info_new (families[family].family, length);
  if (families[family].decode == NULL)
    stream_info_set_summary (info, "a stream of the family %s, whose layout is not decoded", info->family);
  else if (!families[family].decode (info, stream, error))
    return NULL;
  return g_steal_pointer (&info);
}

/* Appends until @data holds @wanted bytes or the stream ends, which *ret_ended tells. */
static gboolean
read_up_to (int fd, GByteArray *data, guint wanted, gboolean *ret_ended, GError **error)
{
  *ret_ended = FALSE;
  while (!*ret_ended && data->len < wanted)
    {
      guint old = data->len;
      ssize_t n;

      g_byte_array_set_size (data, wanted);
      n = TEMP_FAILURE_RETRY (read (fd, data->data + old, wanted - old));
      if (n < 0)
        return fail_errno (error, errno, "cannot read the stream after %u bytes", old);
      g_byte_array_set_size (data, old + (guint)n);
      *ret_ended = n == 0;
    }
  return TRUE;
}

AccmigStreamInfo *
accmig_stream_inspect (int fd, GError **error)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  gboolean ended;

  if (!read_up_to (fd, data, HEAD_SIZE, &ended, error)
      || !check_head ((StreamBytes){ data->data, data->len }, error))
    return NULL;
  while (!ended)
    {
      if (!read_up_to (fd, data, data->len + READ_STEP, &ended, error))
        return NULL;
      if (data->len <= STREAM_MAX_SIZE)
        continue;
      fail (error, ACCMIG_ERROR_LIMIT, "the stream is longer than %" G_GUINT64_FORMAT " bytes",
            STREAM_MAX_SIZE);
      return NULL;
    }
  return accmig_stream_inspect_bytes (data->data, data->len, error);
}

const char *
accmig_stream_info_get_family (const AccmigStreamInfo *info)
{
  return info->family;
}

guint64
accmig_stream_info_get_length (const AccmigStreamInfo *info)
{
  return info->length;
}

const char *
accmig_stream_info_get_summary (const AccmigStreamInfo *info)
{
  return info->summary;
}

gsize
accmig_stream_info_get_n_fields (const AccmigStreamInfo *info)
{
  return info->fields->len;
}

const AccmigStreamField *
accmig_stream_info_get_field (const AccmigStreamInfo *info, gsize index)
{
  g_return_val_if_fail (index < info->fields->len, NULL);
  return &g_array_index (info->fields, AccmigStreamField, index);
}
