// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking into a saved device state
 *
 * The first bytes tell the family, and the family's decoder reads the rest. mlx5 and virtio have no magic,
 * but records, whose first one is as good as a magic and the same for both. What pds writes is its firmware's
 * from the first byte to the last, and cannot be known.
 *
 * A decoder reads no more than the longest stream of its family and a byte, and holds no more than a few KiB
 * of it. So a large file of something else is refused at once, whatever it begins with.
 */

#include "stream-private.h"

#include <string.h>

#include "error-private.h"
#include "hisi-acc.h"

#define HEAD_SIZE   8  /* with a magic */
#define RECORD_SIZE 16 /* without */
G_STATIC_ASSERT (RECORD_SIZE <= STREAM_PEEK_MAX);

#define N_FAMILIES 2 /* that one stream may be of, at most */

struct _AccmigStreamInfo
{
  const char *families[N_FAMILIES + 1]; /* NULL-terminated */
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
  StreamDecoder decode;
} families[] = {
  { "hisi_acc", 8, HISI_ACC_MAGIC_V2,                       stream_decode_hisi_acc },
  { "hisi_acc", 8, HISI_ACC_MAGIC_V1,                       stream_decode_hisi_acc },
  { "migsim",   8, G_GUINT64_CONSTANT (0x01004d495347494d), stream_decode_migsim   },
  { "mtty",     8, G_GUINT64_CONSTANT (0x7e9d09898c3e2c4e), stream_decode_mtty     },
  { "qat",      4, G_GUINT64_CONSTANT (0xadf5caea),         stream_decode_qat      },
  { "xe",       8, G_GUINT64_CONSTANT (0x101),              stream_decode_xe       },
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
info_new (void)
{
  AccmigStreamInfo *info = g_new0 (AccmigStreamInfo, 1);

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
stream_info_set_families (AccmigStreamInfo *info, const char *const *names)
{
  gsize n = 0;

  for (; names[n] != NULL; n++)
    {
      g_assert (n < N_FAMILIES);
      info->families[n] = names[n];
    }
  info->families[n] = NULL;
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

void
stream_info_add_block (AccmigStreamInfo *info, const char *name, guint64 at, StreamBytes block,
                       const StreamLayout *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      g_autofree char *full = g_strconcat (name, ".", rows[i].name, NULL);

      take_field (info, full, at + rows[i].offset, (guint64)rows[i].width * rows[i].count,
                  format_words (block, rows[i].offset, &rows[i]));
    }
}

gboolean
stream_take (StreamInput *input, guint8 *buffer, gsize size, StreamBytes *ret_bytes, GError **error)
{
  gsize length = 0;

  if (!stream_input_read (input, buffer, size, &length, error) || !stream_input_peek (input, 1, error))
    return FALSE;
  *ret_bytes = (StreamBytes){ buffer, length, input->n_ahead > 0 };
  return TRUE;
}

gboolean
stream_check_length (const char *family, guint64 length, gboolean goes_on, guint64 wanted, GError **error)
{
  AccmigError code = length < wanted && !goes_on ? ACCMIG_ERROR_TRUNCATED : ACCMIG_ERROR_INVALID;

  if (length == wanted && !goes_on)
    return TRUE;
  return fail (error, code, "the %s stream has %s%" G_GUINT64_FORMAT " bytes, wanted are %" G_GUINT64_FORMAT,
               family, goes_on ? "more than " : "", length, wanted);
}

/* (nullable): what reads a stream that begins so; its magic, where it has one, tells the family */
static StreamDecoder
find_decoder (AccmigStreamInfo *info, StreamBytes head)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (stream_get_word (head, 0, families[i].width) == families[i].magic)
      {
        info->families[0] = families[i].family;
        return families[i].decode;
      }
  return stream_begins_with_record (head) ? stream_decode_records : NULL;
}

static StreamDecoder
read_head (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  StreamBytes head = { .data = input->ahead };
  StreamDecoder decode;

  if (!stream_input_peek (input, RECORD_SIZE, error))
    return NULL;
  head.length = input->n_ahead;
  if (head.length < HEAD_SIZE)
    {
      fail (error, ACCMIG_ERROR_TRUNCATED,
            "the stream has %" G_GSIZE_FORMAT " bytes, its family is told by the first %d", head.length,
            HEAD_SIZE);
      return NULL;
    }
  decode = find_decoder (info, head);
  if (decode == NULL)
    fail (error, ACCMIG_ERROR_INVALID,
          "the stream begins with 0x%016" G_GINT64_MODIFIER "x, which is no magic of a known family",
          stream_get_word (head, 0, HEAD_SIZE));
  return decode;
}

static AccmigStreamInfo *
inspect (StreamInput *input, GError **error)
{
  g_autoptr (AccmigStreamInfo) info = info_new ();
  StreamDecoder decode = read_head (info, input, error);

  if (decode == NULL || !decode (info, input, error))
    return NULL;
  info->length = input->taken;
  return g_steal_pointer (&info);
}

AccmigStreamInfo *
accmig_stream_inspect_bytes (const guint8 *data, gsize length, GError **error)
{
  StreamInput input = { .is_memory = TRUE, .fd = -1, .data = data, .length = length };

  return inspect (&input, error);
}

AccmigStreamInfo *
accmig_stream_inspect (int fd, GError **error)
{
  StreamInput input = { .fd = fd };

  return inspect (&input, error);
}

const char *
accmig_stream_info_get_family (const AccmigStreamInfo *info)
{
  return info->families[0];
}

const char *const *
accmig_stream_info_get_families (const AccmigStreamInfo *info)
{
  return info->families;
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
