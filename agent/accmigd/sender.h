/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/frame.h>

/*
 * A sender: what is written into a pipe goes, framed, to another agent, which then says whether it loaded it.
 *
 * One thread for each, as a stream lasts as long as the guest is copied. It ends by itself; the pipe's end
 * alone does not tell whether that was all, so it waits for sender_finish().
 */

typedef struct _Sender Sender;

/* @error: (nullable): NULL when it is loaded over there; REFUSED with the other agent's sentence */
typedef void (*SenderEnded) (guint64 bytes, const GError *error, gpointer user);

/**
 * sender_new:
 * @header: copied, with a reference to the profile
 * @fd: pipe or socket to the other agent, both ways; a duplicate is used, which does not block
 * @ret_pipe: (out) (transfer full): what is to be written to, and closed
 * @ended: called once from the default main context
 * @error: INVALID, LIMIT: @header cannot be sent; IO
 */
Sender *sender_new (const AccmigFrameHeader *header, int fd, int *ret_pipe, SenderEnded ended, gpointer user,
                    GError **error);

/* It lives until it has ended, at least; no callback comes after it. */
void sender_free (Sender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sender, sender_free)

/**
 * sender_finish:
 * @failure: (nullable): NULL: what was written before the pipe was closed is all; else why it is not, and
 * the other agent sees a stream that was cut
 */
void sender_finish (Sender *sender, const char *failure);
