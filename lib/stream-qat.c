// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of qat_vfio_pci
 *
 * Always the same length: a preamble, then sections, each with a name, its size and how many sections it is
 * made of itself. The rest is not used. Sizes are the stream's own word, so each is held against what is
 * left.
 */

#include "stream-private.h"

#include <string.h>

#include "error-private.h"

#define STREAM_SIZE   4096
#define KNOWN_VERSION 1
#define MAX_DEPTH     4 /* sections in sections; the driver makes three */

#define PREAMBLE_SIZE     16
#define OFFSET_VERSION    4
#define OFFSET_HEAD_SIZE  8
#define OFFSET_N_SECTIONS 10
#define OFFSET_SIZE       12

#define HEADER_SIZE           16
#define ID_SIZE               8
#define OFFSET_SECTION_SIZE   8
#define OFFSET_N_SUB_SECTIONS 12

/* clang-format off */
static const StreamLayout preamble[] = {
  { "magic",    0,                 4, 1, STREAM_HEX     },
  { "version",  OFFSET_VERSION,    4, 1, STREAM_DECIMAL },
  { "preh_len", OFFSET_HEAD_SIZE,  2, 1, STREAM_DECIMAL },
  { "n_sects",  OFFSET_N_SECTIONS, 2, 1, STREAM_DECIMAL },
  { "size",     OFFSET_SIZE,       4, 1, STREAM_DECIMAL },
};

static const StreamLayout section[] = {
  { "size",      OFFSET_SECTION_SIZE,   4, 1, STREAM_DECIMAL },
  { "sub_sects", OFFSET_N_SUB_SECTIONS, 4, 1, STREAM_DECIMAL },
};
/* clang-format on */

/* A part of the stream that is made of sections. */
typedef struct
{
  const char *path; /* "CONFIG", "" for the stream itself */
  gsize at, end;
  guint64 n_sections;
  guint depth;
} Part;

static gboolean add_sections (AccmigStreamInfo *info, StreamBytes stream, const Part *part, GError **error);

static gboolean
check_preamble (StreamBytes stream, GError **error)
{
  guint64 version = stream_get_word (stream, OFFSET_VERSION, 4);
  guint64 head_size = stream_get_word (stream, OFFSET_HEAD_SIZE, 2);
  guint64 size = stream_get_word (stream, OFFSET_SIZE, 4);

  if (version != KNOWN_VERSION)
    return fail (error, ACCMIG_ERROR_INVALID, "the qat stream has version %" G_GUINT64_FORMAT ", known is %d",
                 version, KNOWN_VERSION);
  if (head_size != PREAMBLE_SIZE)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream has a preamble of %" G_GUINT64_FORMAT " bytes, wanted are %d", head_size,
                 PREAMBLE_SIZE);
  if (size > STREAM_SIZE - PREAMBLE_SIZE)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream has sections of %" G_GUINT64_FORMAT " bytes, there is room for %d", size,
                 STREAM_SIZE - PREAMBLE_SIZE);
  return TRUE;
}

/* (transfer full) (nullable): what a section is called; @error: INVALID for what is no name */
static char *
read_id (StreamBytes stream, gsize at, GError **error)
{
  char id[ID_SIZE + 1] = "";

  memcpy (id, stream.data + at, ID_SIZE);
  for (const char *c = id; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c))
      id[0] = '\0';
  if (id[0] != '\0')
    return g_strdup (id);
  fail (error, ACCMIG_ERROR_INVALID, "the qat stream has a section without a name at byte %" G_GSIZE_FORMAT,
        at);
  return NULL;
}

static void
add_bytes (AccmigStreamInfo *info, StreamBytes stream, const char *path, const char *what, gsize at,
           gsize size)
{
  g_autofree char *name = g_strdup_printf ("%s.%s", path, what);

  if (size == 1 || size == 2 || size == 4 || size == 8)
    stream_info_add_field (info, name, at, size, "0x%" G_GINT64_MODIFIER "x",
                           stream_get_word (stream, at, size));
  else if (size > 0)
    stream_info_add_field (info, name, at, size, "%" G_GSIZE_FORMAT " bytes, not decoded", size);
}

/* One section, from its name to its end, which is put into *@ret_end. */
static gboolean
add_section (AccmigStreamInfo *info, StreamBytes stream, const Part *parent, gsize at, gsize *ret_end,
             GError **error)
{
  StreamBytes head = { stream.data + at, HEADER_SIZE, TRUE };
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;
  g_autofree char *id_field = NULL;
  guint64 size;
  Part part;

  if (parent->end - at < HEADER_SIZE)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream has a section at byte %" G_GSIZE_FORMAT ", where %" G_GSIZE_FORMAT
                 " bytes are left for its head of %d",
                 at, parent->end - at, HEADER_SIZE);
  id = read_id (stream, at, error);
  size = stream_get_word (head, OFFSET_SECTION_SIZE, 4);
  if (id == NULL)
    return FALSE;
  if (size > parent->end - at - HEADER_SIZE)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream's section %s has %" G_GUINT64_FORMAT " bytes, there are %" G_GSIZE_FORMAT
                 " left",
                 id, size, parent->end - at - HEADER_SIZE);
  path = *parent->path != '\0' ? g_strconcat (parent->path, ".", id, NULL) : g_strdup (id);
  id_field = g_strconcat (path, ".id", NULL);
  stream_info_add_field (info, id_field, at, ID_SIZE, "%s", id);
  stream_info_add_block (info, path, at, head, section, G_N_ELEMENTS (section));
  part = (Part){
    .path = path,
    .at = at + HEADER_SIZE,
    .end = at + HEADER_SIZE + size,
    .n_sections = stream_get_word (head, OFFSET_N_SUB_SECTIONS, 4),
    .depth = parent->depth + 1,
  };
  *ret_end = part.end;
  return add_sections (info, stream, &part, error);
}

/* What is left behind the last section, or all where there is none, is the part's own content. */
static gboolean
add_sections (AccmigStreamInfo *info, StreamBytes stream, const Part *part, GError **error)
{
  gsize at = part->at;

  if (part->n_sections > 0 && part->depth > MAX_DEPTH)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream has sections within %s, too deep to be the driver's", part->path);
  for (guint64 i = 0; i < part->n_sections; i++)
    if (!add_section (info, stream, part, at, &at, error))
      return FALSE;
  if (part->depth > 0)
    add_bytes (info, stream, part->path, "state", at, part->end - at);
  else if (at < part->end)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the qat stream's sections end at byte %" G_GSIZE_FORMAT ", wanted is %" G_GSIZE_FORMAT, at,
                 part->end);
  return TRUE;
}

gboolean
stream_decode_qat (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  guint8 buffer[STREAM_SIZE];
  StreamBytes stream;
  Part whole = { .path = "", .at = PREAMBLE_SIZE };

  if (!stream_take (input, buffer, sizeof buffer, &stream, error)
      || !stream_check_length ("qat", stream.length, stream.goes_on, STREAM_SIZE, error)
      || !check_preamble (stream, error))
    return FALSE;
  whole.end = PREAMBLE_SIZE + stream_get_word (stream, OFFSET_SIZE, 4);
  whole.n_sections = stream_get_word (stream, OFFSET_N_SECTIONS, 2);
  stream_info_add_layout (info, stream, preamble, G_N_ELEMENTS (preamble));
  if (!add_sections (info, stream, &whole, error))
    return FALSE;
  if (whole.end < STREAM_SIZE)
    stream_info_add_field (info, "unused", whole.end, STREAM_SIZE - whole.end, "%" G_GSIZE_FORMAT " bytes",
                           STREAM_SIZE - whole.end);
  stream_info_set_summary (info, "%" G_GUINT64_FORMAT " section%s in %" G_GSIZE_FORMAT " bytes",
                           whole.n_sections, whole.n_sections == 1 ? "" : "s", whole.end);
  return TRUE;
}
