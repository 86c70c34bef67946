// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Values
 */

#include "value.h"

#include <accmig/fsm.h>

#include "named.h"

static const char *const type_names[] = {
  [VALUE_TEXT] = "text",   [VALUE_NUMBER] = "number",   [VALUE_HEX] = "hex",
  [VALUE_FLAGS] = "flags", [VALUE_BOOLEAN] = "boolean",
};

const char *
value_type_to_string (ValueType type)
{
  return type_names[type];
}

gboolean
value_type_from_string (const char *text, ValueType *ret_type)
{
  guint type;

  if (!named_find (type_names, G_N_ELEMENTS (type_names), text, &type))
    return FALSE;
  *ret_type = type;
  return TRUE;
}

gboolean
value_type_is_number (ValueType type)
{
  return type == VALUE_NUMBER || type == VALUE_HEX || type == VALUE_FLAGS;
}

void
value_set_text (Value *value, const char *text)
{
  value->known = TRUE;
  value->text = g_ref_string_new_intern (text);
  value->number = release_parse (text);
}

void
value_set_number (Value *value, guint64 number)
{
  value->known = TRUE;
  value->text = NULL;
  value->number = number;
}

void
value_clear (Value *value)
{
  g_clear_pointer (&value->text, g_ref_string_release);
  value->known = FALSE;
}

gboolean
value_parse_number (const char *text, guint64 *ret_number)
{
  if (g_str_has_prefix (text, "0x"))
    return g_ascii_string_to_unsigned (text + 2, 16, 0, G_MAXUINT64, ret_number, NULL);
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, ret_number, NULL);
}

static gboolean
parse_boolean (const char *text, guint64 *ret_number)
{
  static const char *const names[] = { "no", "yes" };
  guint boolean;

  if (!named_find (names, G_N_ELEMENTS (names), text, &boolean))
    return FALSE;
  *ret_number = boolean;
  return TRUE;
}

gboolean
value_parse (ValueType type, const char *text, Value *value)
{
  guint64 number = 0;

  if (type == VALUE_TEXT)
    {
      value_set_text (value, text);
      return TRUE;
    }
  if (!(type == VALUE_BOOLEAN ? parse_boolean (text, &number) : value_parse_number (text, &number)))
    return FALSE;
  value_set_number (value, number);
  return TRUE;
}

char *
value_show (const Value *value, ValueType type)
{
  if (!value->known)
    return NULL;
  switch (type)
    {
    case VALUE_TEXT:
      return g_strdup (value->text);
    case VALUE_NUMBER:
      return g_strdup_printf ("%" G_GUINT64_FORMAT, value->number);
    case VALUE_HEX:
      return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", value->number);
    case VALUE_FLAGS:
      return accmig_flags_to_string (value->number);
    case VALUE_BOOLEAN:
      return g_strdup (value->number != 0 ? "yes" : "no");
    }
  return NULL;
}
