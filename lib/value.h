/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "release.h"

/*
 * Values
 *
 * What a profile has in one of its members, in the form in which rules compare it: texts are interned, so
 * that equal texts are the same pointer, and the release that a text begins with is worked out beforehand.
 */

/* How a member is kept, and shown in a sentence. */
typedef enum
{
  VALUE_TEXT,
  VALUE_NUMBER,
  VALUE_HEX,     /* a number, shown as "0x1f" */
  VALUE_FLAGS,   /* migration flags, shown by name */
  VALUE_BOOLEAN, /* shown as "yes" or "no" */
} ValueType;

typedef struct
{
  gboolean known;
  GRefString *text; /* of a text; NULL for the others */
  guint64 number;   /* of a text: the Release it begins with, 0 for none. Of a boolean: 0 or 1 */
} Value;

/* What stands for @type in a family file; static */
const char *value_type_to_string (ValueType type);
gboolean value_type_from_string (const char *text, ValueType *ret_type);

/* Whether the type is one that can be more or less, or have bits. */
gboolean value_type_is_number (ValueType type);

/* Each makes @value, which holds nothing yet, a known one. */
void value_set_text (Value *value, const char *text);
void value_set_number (Value *value, guint64 number);

void value_clear (Value *value);

/* A number in decimal or as 0x…. @ret_number: untouched on failure */
gboolean value_parse_number (const char *text, guint64 *ret_number);

/*
 * @text: as somebody wrote it: a number as above, a boolean as yes or no
 * @value: (out caller-allocates): set on success
 */
gboolean value_parse (ValueType type, const char *text, Value *value);

/* Returns: (transfer full) (nullable): as it is shown, NULL when it is not known */
char *value_show (const Value *value, ValueType type);

/* Both are known, and of one type. */
static inline gboolean
value_equal (const Value *a, const Value *b)
{
  return a->text == b->text && a->number == b->number;
}
