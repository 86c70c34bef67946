/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sqlite3.h>

#include "history.h"

/*
 * What the files of the history share: history.c has the file and its layout and the migrations, steps.c the
 * steps.
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

/* Sets @error from SQLite's last word. @what: "read", "write". Returns: FALSE */
gboolean history_fail (History *history, const char *what, GError **error);
gboolean history_execute (History *history, const char *sql, const char *what, GError **error);
/* (nullable): sets @error on failure */
sqlite3_stmt *history_prepare (History *history, const char *sql, const char *what, GError **error);
/* @text: (nullable): NULL is "" */
void history_bind_text (sqlite3_stmt *statement, int index, const char *text);
/* The id of the row that was inserted last. */
guint64 history_last_row (History *history);
