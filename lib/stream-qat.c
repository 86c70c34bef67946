// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of qat_vfio_pci
 *
 * Sections of the engine's own making behind a preamble. It is known by name and by its length; what is in it
 * is not decoded.
 */

#include "stream-private.h"

#include "error-private.h"

#define MAX_SIZE 4096

gboolean
stream_decode_qat (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  guint8 buffer[MAX_SIZE];
  StreamBytes stream;

  if (!stream_take (input, buffer, sizeof buffer, &stream, error))
    return FALSE;
  if (stream.goes_on)
    return fail (error, ACCMIG_ERROR_INVALID, "the qat stream has more than %d bytes, the most there are",
                 MAX_SIZE);
  stream_info_set_summary (info, "a stream of the family qat, whose layout is not decoded");
  return TRUE;
}
