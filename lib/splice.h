/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Changes attribute values in an XML text and leaves every other byte as it is.
 *
 * The text has been parsed; where a start tag ends is known from that. A tag that is well-formed takes no
 * parser to be taken apart, and whatever is not found where it should be is an error.
 */

/* An attribute of one start tag and the value that it shall have. Strings are borrowed. */
typedef struct
{
  gsize tag_end;         /* offset of the tag's '>' or "/>" */
  const char *element;   /* what it is the tag of; in no namespace */
  const char *attribute; /* in no namespace; one that is not there is added */
  const char *value;     /* letters, digits and '-' only, so that it needs no escape */
} SpliceEdit;

/**
 * splice_text:
 * @edits: (array length=n): in any order; no attribute of a tag twice
 * @error: INVALID when @text is not encoded in UTF-8 or a tag is not where it should be; the message holds no
 *   part of @text
 * Returns: (transfer full) (nullable)
 */
char *splice_text (const char *text, gsize length, const SpliceEdit *edits, gsize n, GError **error);
