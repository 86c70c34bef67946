/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text for a log, a message, a terminal: what came from another host must not speak to it.
 */

/* Makes a space of each control character, also of those beyond ASCII; the text becomes no longer.
 * @valid_utf8: as g_utf8_make_valid() gives it */
void text_make_printable (char *valid_utf8);

/* (bytes): how much of what somebody else wrote is repeated in a message, for “%.*s”: 64, or fewer where the
 * text is shorter or a character would be cut, for a bus carries no text with half a character in it. */
int text_quotable (const char *utf8);
