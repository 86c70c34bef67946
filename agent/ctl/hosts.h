/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Several hosts, asked at the same time.
 */

#define HOSTS_AT_ONCE    8
#define HOSTS_LIMIT_USEC (60 * G_USEC_PER_SEC) /* for all that one host is asked */

/* What one host said. */
typedef struct
{
  char *host;
  char *text;    /* (nullable): NULL when it said nothing, with @error set */
  GError *error; /* (nullable) */
} HostAnswer;

/*
 * Asks @host, in a thread of its own; @text is the question, copied for it. What takes longer than the limit
 * is left behind and still runs.
 * Returns: (transfer full) (nullable): NULL with @error set
 */
typedef char *(*HostQuestion) (const char *host, const char *text, GError **error);

/**
 * hosts_split:
 * @list: "[user@]host,[user@]host"
 * @error: USAGE when one has no name
 * Returns: (transfer full) (nullable): each of them once, in the order of @list
 */
char **hosts_split (const char *list, GError **error);

/**
 * hosts_ask:
 * Asks all of @hosts, HOSTS_AT_ONCE at a time.
 * @text: (nullable)
 * @limit_usec: for each, from when it is its turn
 * Returns: (transfer full) (element-type HostAnswer): in the order of @hosts
 */
GPtrArray *hosts_ask (char *const *hosts, HostQuestion question, const char *text, gint64 limit_usec);
