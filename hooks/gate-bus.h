/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/* The one question that the hook asks the agent: org.accmig1.Gate.Ask. */

/* libvirt's words; borrowed. */
typedef struct
{
  const char *domain;
  const char *operation;
  const char *suboperation;
  const char *extra;
  const GByteArray *xml;
} GateQuestion;

typedef struct
{
  gboolean allowed;
  char *message;       /* "" when there is nothing to say */
  GByteArray *new_xml; /* empty: keep what came */
} GateAnswer;

void gate_answer_clear (GateAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GateAnswer, gate_answer_clear)

/*
 * Asks and waits.
 *
 * @deadline: monotonic time, µs; covers the connection to the bus too
 * @ret_answer: set only on success
 * @ret_cause: (transfer full): on failure, why there is no answer, to follow a colon
 */
gboolean gate_ask (const GateQuestion *question, gint64 deadline, GateAnswer *ret_answer, char **ret_cause);
