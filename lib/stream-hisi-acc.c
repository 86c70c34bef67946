// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of hisi_acc_vfio_pci
 *
 * Either the match data alone, when the guest's driver had not started the engine's queues, or the match data
 * and the registers after it. Nothing in it is a checksum: only the first part is held against the
 * destination's device by the driver there.
 */

#include "stream-private.h"

#include "error-private.h"
#include "hisi-acc.h"

#define FULL_SIZE   176
#define KNOWN_MAJOR 1

#define OFFSET_VF_QM_STATE 24
#define OFFSET_ADDRESSES   144 /* four u64: event queues and context tables */

/* clang-format off */
static const StreamLayout common[] = {
  { "acc_magic",   HISI_ACC_OFFSET_MAGIC,   8, 1, STREAM_HEX     },
  { "qp_num",      HISI_ACC_OFFSET_QP_NUM,  4, 1, STREAM_DECIMAL },
  { "dev_id",      HISI_ACC_OFFSET_DEV_ID,  4, 1, STREAM_HEX     },
  { "que_iso_cfg", HISI_ACC_OFFSET_ISO_CFG, 4, 1, STREAM_HEX     },
  { "qp_base",     20,                      4, 1, STREAM_DECIMAL },
  { "vf_qm_state", OFFSET_VF_QM_STATE,      4, 1, STREAM_DECIMAL },
};

/* What follows in the match data, by format. */
static const StreamLayout first_format[] = {
  { "qm_rsv_state", HISI_ACC_OFFSET_MAJOR, 4, 3, STREAM_HEX },
};
static const StreamLayout second_format[] = {
  { "major_ver",    HISI_ACC_OFFSET_MAJOR, 2, 1, STREAM_DECIMAL },
  { "minor_ver",    HISI_ACC_OFFSET_MINOR, 2, 1, STREAM_DECIMAL },
  { "qm_rsv_state", 32,                    4, 2, STREAM_HEX     },
};

static const StreamLayout registers[] = {
  { "aeq_int_mask",   40,                    4, 1, STREAM_HEX },
  { "eq_int_mask",    44,                    4, 1, STREAM_HEX },
  { "ifc_int_source", 48,                    4, 1, STREAM_HEX },
  { "ifc_int_mask",   52,                    4, 1, STREAM_HEX },
  { "ifc_int_set",    56,                    4, 1, STREAM_HEX },
  { "page_size",      60,                    4, 1, STREAM_HEX },
  { "qm_eqc_dw",      64,                    4, 7, STREAM_HEX },
  { "qm_aeqc_dw",     92,                    4, 7, STREAM_HEX },
  { "qm_rsv_regs",    120,                   4, 5, STREAM_HEX },
  { "padding",        140,                   4, 1, STREAM_HEX },
  { "eqe_dma",        OFFSET_ADDRESSES,      8, 1, STREAM_HEX },
  { "aeqe_dma",       OFFSET_ADDRESSES + 8,  8, 1, STREAM_HEX },
  { "sqc_dma",        OFFSET_ADDRESSES + 16, 8, 1, STREAM_HEX },
  { "cqc_dma",        OFFSET_ADDRESSES + 24, 8, 1, STREAM_HEX },
};
/* clang-format on */

static gboolean
check_length (StreamBytes stream, GError **error)
{
  if (stream.goes_on)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the hisi_acc stream has more than %d bytes, the most there are", FULL_SIZE);
  if (stream.length == HISI_ACC_MATCH_SIZE || stream.length == FULL_SIZE)
    return TRUE;
  return fail (error, ACCMIG_ERROR_TRUNCATED,
               "the hisi_acc stream has %" G_GSIZE_FORMAT " bytes, wanted are %d (match data only) or %d",
               stream.length, HISI_ACC_MATCH_SIZE, FULL_SIZE);
}

static gboolean
check_version (StreamBytes stream, GError **error)
{
  guint major = (guint)stream_get_word (stream, HISI_ACC_OFFSET_MAJOR, 2);

  return major == KNOWN_MAJOR
         || fail (error, ACCMIG_ERROR_INVALID, "the hisi_acc stream has major version %u, known is %d", major,
                  KNOWN_MAJOR);
}

static gboolean
has_null_address (StreamBytes stream)
{
  for (gsize i = 0; i < 4; i++)
    if (stream_get_word (stream, OFFSET_ADDRESSES + 8 * i, 8) == 0)
      return TRUE;
  return FALSE;
}

static const char *
describe_content (StreamBytes stream)
{
  if (stream.length == HISI_ACC_MATCH_SIZE)
    return "match data only: the guest's driver was not ready";
  if (stream_get_word (stream, OFFSET_VF_QM_STATE, 4) != 0)
    return "whole state, marked as not ready";
  if (has_null_address (stream))
    return "whole state, but with a queue address of 0: the destination will not restart the engine";
  return "whole state: the guest's driver was ready";
}

gboolean
stream_decode_hisi_acc (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  guint8 buffer[FULL_SIZE];
  StreamBytes stream;
  gboolean is_first;

  if (!stream_take (input, buffer, sizeof buffer, &stream, error) || !check_length (stream, error))
    return FALSE;
  is_first = stream_get_word (stream, HISI_ACC_OFFSET_MAGIC, 8) == HISI_ACC_MAGIC_V1;
  if (!is_first && !check_version (stream, error))
    return FALSE;
  stream_info_add_layout (info, stream, common, G_N_ELEMENTS (common));
  if (is_first)
    stream_info_add_layout (info, stream, first_format, G_N_ELEMENTS (first_format));
  else
    stream_info_add_layout (info, stream, second_format, G_N_ELEMENTS (second_format));
  if (stream.length == FULL_SIZE)
    stream_info_add_layout (info, stream, registers, G_N_ELEMENTS (registers));
  stream_info_set_summary (
      info, "%s%s", describe_content (stream),
      is_first ? " (first format, from a kernel before 6.16: its event queue addresses are wrong)" : "");
  return TRUE;
}
