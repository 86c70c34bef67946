// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of xe-vfio-pci
 *
 * Packets, each with a header: a descriptor that names the device's model comes first, a trailer without
 * content last, and what lies between is the device's own. A stream that does not end with its trailer was
 * cut off.
 */

#include "stream-private.h"

#include "error-private.h"

#define HEADER_SIZE   24
#define KNOWN_VERSION 1
#define OFFSET_TYPE   1
#define OFFSET_SIZE   16

#define TYPE_DESCRIPTOR 1
#define TYPE_TRAILER    2

/* A descriptor is keys, each with the number of words that follow it, and these words. */
#define DESCRIPTOR_MAX 4096
#define WORD_SIZE      4
#define KEY_DEVICE     0xf001
#define KEY_REVISION   0xf002

/* clang-format off */
static const StreamLayout header[] = {
  { "version", 0,           1, 1, STREAM_DECIMAL },
  { "type",    OFFSET_TYPE, 1, 1, STREAM_DECIMAL },
  { "tile_id", 2,           1, 1, STREAM_DECIMAL },
  { "gt_id",   3,           1, 1, STREAM_DECIMAL },
  { "flags",   4,           4, 1, STREAM_HEX     },
  { "offset",  8,           8, 1, STREAM_HEX     },
  { "size",    OFFSET_SIZE, 8, 1, STREAM_DECIMAL },
};

static const char *const types[] = {
  [TYPE_DESCRIPTOR] = "descriptor",
  [TYPE_TRAILER]    = "trailer",
  [3]               = "global translation table",
  [4]               = "registers",
  [5]               = "state of the firmware GuC",
  [6]               = "video memory",
};
/* clang-format on */

typedef struct
{
  AccmigStreamInfo *info;
  StreamInput *input;
  guint64 n_packets;
  guint64 n_content; /* bytes of the device's own */
  guint64 shown_end; /* of what is shown packet by packet */
  gboolean ended;    /* the trailer was there */
} Chain;

typedef struct
{
  char *name;
  guint64 at; /* where it begins */
  guint type;
  guint64 size;
} Packet;

static void
packet_clear (Packet *packet)
{
  g_free (packet->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Packet, packet_clear)

static gboolean
fail_cut_off (const Packet *packet, guint64 length, GError **error)
{
  return fail (error, ACCMIG_ERROR_TRUNCATED,
               "the xe stream ends in %s, after %" G_GUINT64_FORMAT " of its %" G_GUINT64_FORMAT " bytes",
               packet->name, length, packet->size);
}

static gboolean
is_shown (const Chain *chain)
{
  return chain->n_packets < STREAM_SHOWN_BLOCKS;
}

/* ---- the descriptor ---- */

static const char *
name_key (guint key)
{
  if (key == KEY_DEVICE)
    return "device_id";
  return key == KEY_REVISION ? "revision_id" : NULL;
}

static void
add_value (Chain *chain, const Packet *packet, StreamBytes bytes, gsize at, guint key)
{
  guint n_words = (guint)stream_get_word (bytes, at, 2);
  g_autofree char *key_name =
      name_key (key) != NULL ? g_strdup (name_key (key)) : g_strdup_printf ("key_0x%x", key);
  g_autofree char *head = g_strdup_printf ("%s.%s.head", packet->name, key_name);
  g_autofree char *name = g_strdup_printf ("%s.%s", packet->name, key_name);
  guint64 start = packet->at + HEADER_SIZE + at;

  stream_info_add_field (chain->info, head, start, WORD_SIZE, "key 0x%x, %u word%s", key, n_words,
                         n_words == 1 ? "" : "s");
  if (n_words == 1)
    stream_info_add_field (chain->info, name, start + WORD_SIZE, WORD_SIZE, "0x%x",
                           (guint)stream_get_word (bytes, at + WORD_SIZE, WORD_SIZE));
  else if (n_words > 1)
    stream_info_add_field (chain->info, name, start + WORD_SIZE, (guint64)n_words * WORD_SIZE,
                           "%u words, not decoded", n_words);
}

static gboolean
read_descriptor (Chain *chain, const Packet *packet, GError **error)
{
  guint8 buffer[DESCRIPTOR_MAX];
  StreamBytes bytes;

  if (packet->size > DESCRIPTOR_MAX || packet->size % WORD_SIZE != 0)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the xe stream has a descriptor of %" G_GUINT64_FORMAT " bytes, wanted are whole words, at "
                 "most %d bytes",
                 packet->size, DESCRIPTOR_MAX);
  if (!stream_take (chain->input, buffer, packet->size, &bytes, error))
    return FALSE;
  if (bytes.length < packet->size)
    return fail_cut_off (packet, bytes.length, error);
  for (gsize at = 0; at < bytes.length;)
    {
      gsize length = WORD_SIZE + WORD_SIZE * (gsize)stream_get_word (bytes, at, 2);

      if (length > bytes.length - at)
        return fail (error, ACCMIG_ERROR_INVALID,
                     "the xe stream's descriptor has a value of %" G_GSIZE_FORMAT
                     " bytes where only %" G_GSIZE_FORMAT " are left",
                     length, bytes.length - at);
      if (is_shown (chain))
        add_value (chain, packet, bytes, at, (guint)stream_get_word (bytes, at + 2, 2));
      at += length;
    }
  return TRUE;
}

/* ---- packets ---- */

static gboolean
read_content (Chain *chain, const Packet *packet, GError **error)
{
  guint64 length;
  g_autofree char *field = g_strconcat (packet->name, ".data", NULL);

  if (!stream_input_skip (chain->input, packet->size, &length, error))
    return FALSE;
  if (length < packet->size)
    return fail_cut_off (packet, length, error);
  chain->n_content += length;
  if (is_shown (chain) && length > 0)
    stream_info_add_field (chain->info, field, packet->at + HEADER_SIZE, length, "%s", types[packet->type]);
  return TRUE;
}

static gboolean
check_packet (const Packet *packet, guint version, GError **error)
{
  if (version != KNOWN_VERSION)
    return fail (error, ACCMIG_ERROR_INVALID, "%s of the xe stream has version %u, known is %d", packet->name,
                 version, KNOWN_VERSION);
  if (packet->type < TYPE_DESCRIPTOR || packet->type >= G_N_ELEMENTS (types))
    return fail (error, ACCMIG_ERROR_INVALID, "%s of the xe stream has type %u, known are %d to %d",
                 packet->name, packet->type, TYPE_DESCRIPTOR, (int)G_N_ELEMENTS (types) - 1);
  if (packet->type == TYPE_TRAILER && packet->size != 0)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the trailer of the xe stream has %" G_GUINT64_FORMAT " bytes of content, wanted are none",
                 packet->size);
  return TRUE;
}

static gboolean
read_packet (Chain *chain, StreamBytes bytes, GError **error)
{
  g_auto (Packet) packet = {
    .name = g_strdup_printf ("packet%" G_GUINT64_FORMAT, chain->n_packets),
    .at = chain->input->taken - HEADER_SIZE,
    .type = (guint)stream_get_word (bytes, OFFSET_TYPE, 1),
    .size = stream_get_word (bytes, OFFSET_SIZE, 8),
  };

  if (!check_packet (&packet, (guint)stream_get_word (bytes, 0, 1), error))
    return FALSE;
  if (is_shown (chain))
    stream_info_add_block (chain->info, packet.name, packet.at, bytes, header, G_N_ELEMENTS (header));
  if (packet.type == TYPE_DESCRIPTOR ? !read_descriptor (chain, &packet, error)
                                     : !read_content (chain, &packet, error))
    return FALSE;
  chain->ended = packet.type == TYPE_TRAILER;
  chain->n_packets++;
  if (chain->n_packets <= STREAM_SHOWN_BLOCKS)
    chain->shown_end = chain->input->taken;
  return TRUE;
}

/* @ret_more: whether there was another packet */
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
  if (chain->ended)
    return fail (error, ACCMIG_ERROR_INVALID, "the xe stream goes on after its trailer");
  if (bytes.length < HEADER_SIZE)
    return fail (error, ACCMIG_ERROR_TRUNCATED,
                 "the xe stream ends in the head of packet %" G_GUINT64_FORMAT ", after %" G_GSIZE_FORMAT
                 " of its %d bytes",
                 chain->n_packets, bytes.length, HEADER_SIZE);
  return read_packet (chain, bytes, error);
}

gboolean
stream_decode_xe (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  Chain chain = { .info = info, .input = input };
  gboolean more;

  do
    {
      if (!read_next (&chain, &more, error))
        return FALSE;
  } while (more);
  if (!chain.ended)
    return fail (error, ACCMIG_ERROR_TRUNCATED,
                 "the xe stream ends after %" G_GUINT64_FORMAT " packets without a trailer", chain.n_packets);
  if (input->taken > chain.shown_end)
    stream_info_add_field (info, "more", chain.shown_end, input->taken - chain.shown_end,
                           "%" G_GUINT64_FORMAT " more packets", chain.n_packets - STREAM_SHOWN_BLOCKS);
  stream_info_set_summary (info,
                           "whole state: %" G_GUINT64_FORMAT " packets with %" G_GUINT64_FORMAT
                           " bytes of the device's own",
                           chain.n_packets, chain.n_content);
  return TRUE;
}
