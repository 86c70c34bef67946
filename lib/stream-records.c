// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The streams of mlx5_vfio_pci and virtio_vfio_pci
 *
 * A chain of records, each with its size, flags and a tag, one after the other to the end. What the device
 * made has tag 0 and is the firmware's or the virtio device's own. mlx5 says beforehand how much will come,
 * in a record that virtio does not have: without it nobody can tell the two apart.
 *
 * A driver passes over a record that it does not know when its flags allow that, and gives up otherwise.
 */

#include "stream-private.h"

#include "error-private.h"

#define HEADER_SIZE   16
#define OFFSET_FLAGS  8
#define OFFSET_TAG    12
#define FLAG_OPTIONAL 1

/* Of a record; the firmware's commands have 32 bits for it. It also tells a record from other files. */
#define SIZE_MAX_RECORD G_MAXUINT32

#define TAG_DATA  0
#define TAG_HINT  1 /* of mlx5: how many bytes stop-copy will send */
#define HINT_SIZE 8

/* clang-format off */
static const StreamLayout header[] = {
  { "record_size", 0,            8, 1, STREAM_DECIMAL },
  { "flags",       OFFSET_FLAGS, 4, 1, STREAM_HEX     },
  { "tag",         OFFSET_TAG,   4, 1, STREAM_DECIMAL },
};
/* clang-format on */

static const char *const mlx5[] = { "mlx5", NULL };
static const char *const either[] = { "virtio", "mlx5", NULL };

typedef struct
{
  AccmigStreamInfo *info;
  StreamInput *input;
  guint64 n_records;
  guint64 n_data;    /* bytes the device made */
  guint64 shown_end; /* of what is shown record by record */
  gboolean has_hint;
} Chain;

typedef struct
{
  guint64 at; /* where it begins */
  guint64 size;
  guint32 flags;
  guint32 tag;
} Record;

static Record
record_parse (StreamBytes bytes, guint64 at)
{
  return (Record){
    .at = at,
    .size = stream_get_word (bytes, 0, 8),
    .flags = (guint32)stream_get_word (bytes, OFFSET_FLAGS, 4),
    .tag = (guint32)stream_get_word (bytes, OFFSET_TAG, 4),
  };
}

static gboolean
is_data (const Record *record)
{
  return record->tag == TAG_DATA && record->size > 0 && record->size <= SIZE_MAX_RECORD;
}

gboolean
stream_begins_with_record (StreamBytes head)
{
  Record first;

  if (head.length < HEADER_SIZE)
    return FALSE;
  first = record_parse (head, 0);
  if (first.flags > FLAG_OPTIONAL)
    return FALSE;
  return first.tag == TAG_HINT ? first.size == HINT_SIZE : is_data (&first);
}

static gboolean
fail_cut_off (const Chain *chain, const Record *record, guint64 length, GError **error)
{
  return fail (error, ACCMIG_ERROR_TRUNCATED,
               "the stream ends in record %" G_GUINT64_FORMAT ", after %" G_GUINT64_FORMAT
               " of its %" G_GUINT64_FORMAT " bytes",
               chain->n_records, length, record->size);
}

static gboolean
check_record (const Chain *chain, const Record *record, GError **error)
{
  if (record->size > SIZE_MAX_RECORD || (record->tag == TAG_DATA && record->size == 0))
    return fail (error, ACCMIG_ERROR_INVALID,
                 "record %" G_GUINT64_FORMAT " of the stream has %" G_GUINT64_FORMAT
                 " bytes, allowed are 1 to %u",
                 chain->n_records, record->size, SIZE_MAX_RECORD);
  if (record->tag > TAG_HINT && (record->flags & FLAG_OPTIONAL) == 0)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "record %" G_GUINT64_FORMAT
                 " of the stream has tag %u, which drivers do not know and may not "
                 "pass over",
                 chain->n_records, record->tag);
  if (record->tag == TAG_HINT && record->size != HINT_SIZE)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "record %" G_GUINT64_FORMAT " of the stream tells its length in %" G_GUINT64_FORMAT
                 " bytes, wanted are %d",
                 chain->n_records, record->size, HINT_SIZE);
  return TRUE;
}

static const char *
describe_tag (guint32 tag)
{
  return tag == TAG_DATA ? "the device's own" : "not known, and passed over";
}

/* What follows the header. */
static gboolean
read_content (Chain *chain, const Record *record, const char *name, GError **error)
{
  guint64 at = record->at + HEADER_SIZE, length;
  g_autofree char *field = g_strconcat (name, ".data", NULL);

  if (!stream_input_skip (chain->input, record->size, &length, error))
    return FALSE;
  if (length < record->size)
    return fail_cut_off (chain, record, length, error);
  if (record->tag == TAG_DATA)
    chain->n_data += record->size;
  if (chain->n_records < STREAM_SHOWN_BLOCKS && record->size > 0)
    stream_info_add_field (chain->info, field, at, record->size, "%s", describe_tag (record->tag));
  return TRUE;
}

static gboolean
read_hint (Chain *chain, const Record *record, const char *name, GError **error)
{
  static const StreamLayout hint[] = { { "stop_copy_size", 0, HINT_SIZE, 1, STREAM_DECIMAL } };
  guint8 buffer[HINT_SIZE];
  StreamBytes bytes;

  if (!stream_take (chain->input, buffer, sizeof buffer, &bytes, error))
    return FALSE;
  if (bytes.length < HINT_SIZE)
    return fail_cut_off (chain, record, bytes.length, error);
  chain->has_hint = TRUE;
  if (chain->n_records < STREAM_SHOWN_BLOCKS)
    stream_info_add_block (chain->info, name, record->at + HEADER_SIZE, bytes, hint, G_N_ELEMENTS (hint));
  return TRUE;
}

static gboolean
read_record (Chain *chain, StreamBytes bytes, GError **error)
{
  Record record = record_parse (bytes, chain->input->taken - HEADER_SIZE);
  g_autofree char *name = g_strdup_printf ("record%" G_GUINT64_FORMAT, chain->n_records);

  if (!check_record (chain, &record, error))
    return FALSE;
  if (chain->n_records < STREAM_SHOWN_BLOCKS)
    stream_info_add_block (chain->info, name, record.at, bytes, header, G_N_ELEMENTS (header));
  if (record.tag == TAG_HINT ? !read_hint (chain, &record, name, error)
                             : !read_content (chain, &record, name, error))
    return FALSE;
  chain->n_records++;
  if (chain->n_records <= STREAM_SHOWN_BLOCKS)
    chain->shown_end = chain->input->taken;
  return TRUE;
}

/* @ret_more: whether there was another record */
static gboolean
read_next (Chain *chain, gboolean *ret_more, GError **error)
{
  guint8 buffer[HEADER_SIZE];
  StreamBytes bytes;

  if (!stream_take (chain->input, buffer, sizeof buffer, &bytes, error))
    return FALSE;
  *ret_more = bytes.length > 0;
  if (bytes.length == 0)
    return TRUE;
  if (bytes.length < HEADER_SIZE)
    return fail (error, ACCMIG_ERROR_TRUNCATED,
                 "the stream ends in the head of record %" G_GUINT64_FORMAT ", after %" G_GSIZE_FORMAT
                 " of its %d bytes",
                 chain->n_records, bytes.length, HEADER_SIZE);
  return read_record (chain, bytes, error);
}

gboolean
stream_decode_records (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  Chain chain = { .info = info, .input = input };
  gboolean more;

  do
    {
      if (!read_next (&chain, &more, error))
        return FALSE;
  } while (more);
  if (input->taken > chain.shown_end)
    stream_info_add_field (info, "more", chain.shown_end, input->taken - chain.shown_end,
                           "%" G_GUINT64_FORMAT " more records", chain.n_records - STREAM_SHOWN_BLOCKS);
  stream_info_set_families (info, chain.has_hint ? mlx5 : either);
  stream_info_set_summary (info,
                           "%" G_GUINT64_FORMAT " record%s with %" G_GUINT64_FORMAT
                           " bytes of the device's own; only a driver can tell for which device it is",
                           chain.n_records, chain.n_records == 1 ? "" : "s", chain.n_data);
  return TRUE;
}
