/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * Looking into a saved device state.
 *
 * Families whose stream layout is known are decoded field by field; others are told apart by their first
 * bytes where that is possible. Nothing is loaded anywhere.
 */

typedef struct _AccmigStreamInfo AccmigStreamInfo;

/* One decoded field. Fields come in the stream's order and cover it; strings are borrowed from the info. */
typedef struct
{
  const char *name;  /* the kernel's own name, "qp_num" */
  guint64 offset;    /* bytes from the start of the stream */
  guint64 size;      /* bytes */
  const char *value; /* as text */
} AccmigStreamField;

/**
 * accmig_stream_inspect:
 * @fd: the stream, read to its end, or to one byte past the longest that its family has
 * @error: INVALID when no known family begins so, the layout is broken, or the stream is too long; TRUNCATED
 *   when it ends too early (the message names the length found and the lengths wanted); IO
 * Returns: (transfer full) (nullable)
 */
ACCMIG_API AccmigStreamInfo *accmig_stream_inspect (int fd, GError **error);

/**
 * accmig_stream_inspect_bytes:
 * As accmig_stream_inspect(), from memory, which may go when the call is over.
 */
ACCMIG_API AccmigStreamInfo *accmig_stream_inspect_bytes (const guint8 *data, gsize length, GError **error);

ACCMIG_API void accmig_stream_info_free (AccmigStreamInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigStreamInfo, accmig_stream_info_free)

/** accmig_stream_info_get_family: Returns: the family, the likeliest one where several begin alike */
ACCMIG_API const char *accmig_stream_info_get_family (const AccmigStreamInfo *info);
/**
 * accmig_stream_info_get_families:
 * Returns: (array zero-terminated=1): the families whose drivers could take it, the likeliest first. More
 * than one where the stream does not tell: what mlx5 and virtio write looks alike
 */
ACCMIG_API const char *const *accmig_stream_info_get_families (const AccmigStreamInfo *info);
/** accmig_stream_info_get_length: Returns: bytes in all */
ACCMIG_API guint64 accmig_stream_info_get_length (const AccmigStreamInfo *info);
/** accmig_stream_info_get_summary: Returns: one sentence, "whole state: the guest's driver was ready" */
ACCMIG_API const char *accmig_stream_info_get_summary (const AccmigStreamInfo *info);
ACCMIG_API gsize accmig_stream_info_get_n_fields (const AccmigStreamInfo *info);
ACCMIG_API const AccmigStreamField *accmig_stream_info_get_field (const AccmigStreamInfo *info, gsize index);
