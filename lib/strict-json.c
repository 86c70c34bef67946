// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Strict JSON
 *
 * A scanner that walks a text from an unknown host and says yes or no, and a writer for the canonical form.
 * The scanner's recursion is bounded by the depth that the caller allows; it builds nothing, except the set
 * of member names of the objects it is in. Bytes beyond ASCII can stand in strings only, and have been found
 * to be UTF-8 before.
 */

#include "strict-json.h"

#include <string.h>

#include "error-private.h"

typedef struct
{
  const char *start;
  const char *at;
  const char *end;
  guint max_depth;
  GError **error;
} Scanner;

static gboolean scan_value (Scanner *s, guint depth);

static gboolean
broken (const Scanner *s, const char *wanted)
{
  return fail (s->error, ACCMIG_ERROR_INVALID, "JSON byte %zu: %s", (gsize)(s->at - s->start), wanted);
}

/* NUL stands for the end: there is none within a text that passed for UTF-8. */
static char
peek (const Scanner *s)
{
  return s->at < s->end ? *s->at : '\0';
}

static void
skip_space (Scanner *s)
{
  while (s->at < s->end && strchr (" \t\r\n", *s->at) != NULL)
    s->at++;
}

/* Takes @c and the white space after it, if it is next. */
static gboolean
accept (Scanner *s, char c)
{
  if (peek (s) != c)
    return FALSE;
  s->at++;
  skip_space (s);
  return TRUE;
}

/* ---- strings ---- */

static gboolean
scan_hex4 (Scanner *s, guint *ret_unit)
{
  guint unit = 0;

  for (guint i = 0; i < 4; i++, s->at++)
    {
      if (!g_ascii_isxdigit (peek (s)))
        return broken (s, "four hex digits wanted after \\u");
      unit = unit * 16 + (guint)g_ascii_xdigit_value (*s->at);
    }
  *ret_unit = unit;
  return TRUE;
}

/* After "\u". A NUL would cut the string short, half a surrogate pair would make it no UTF-8. */
static gboolean
scan_unicode_escape (Scanner *s)
{
  guint unit;
  guint low;

  if (!scan_hex4 (s, &unit))
    return FALSE;
  if (unit == 0)
    return broken (s, "\\u0000 is not allowed");
  if (unit < 0xd800 || unit > 0xdfff)
    return TRUE;
  if (unit > 0xdbff || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
    return broken (s, "half a surrogate pair");
  s->at += 2;
  if (!scan_hex4 (s, &low))
    return FALSE;
  return (low >= 0xdc00 && low <= 0xdfff) || broken (s, "half a surrogate pair");
}

static gboolean
scan_escape (Scanner *s)
{
  char c = peek (s);

  if (c == '\0' || strchr ("\"\\/bfnrtu", c) == NULL)
    return broken (s, "unknown escape");
  s->at++;
  return c != 'u' || scan_unicode_escape (s);
}

static gboolean
scan_string (Scanner *s)
{
  if (peek (s) != '"')
    return broken (s, "a string wanted");
  s->at++;
  while (peek (s) != '"')
    {
      if (s->at >= s->end)
        return broken (s, "the text ends within a string");
      if ((guchar)*s->at < ' ')
        return broken (s, "control character in a string");
      if (*s->at++ == '\\' && !scan_escape (s))
        return FALSE;
    }
  s->at++;
  skip_space (s);
  return TRUE;
}

/* ---- the rest ---- */

static gboolean
scan_number (Scanner *s)
{
  const char *first;
  gint64 value = 0;

  if (peek (s) == '-')
    s->at++;
  first = s->at;
  for (; g_ascii_isdigit (peek (s)); s->at++)
    {
      int digit = g_ascii_digit_value (*s->at);

      if (value > (G_MAXINT64 - digit) / 10)
        return broken (s, "number beyond 64 bits");
      value = value * 10 + digit;
    }
  if (s->at == first)
    return broken (s, "a digit wanted");
  if (*first == '0' && s->at > first + 1)
    return broken (s, "number with a leading zero");
  if (peek (s) != '\0' && strchr (".eE", peek (s)) != NULL)
    return broken (s, "a whole number wanted");
  skip_space (s);
  return TRUE;
}

static gboolean
scan_word (Scanner *s)
{
  static const char *const words[] = { "true", "false", "null" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if ((gsize)(s->end - s->at) < length || memcmp (s->at, words[i], length) != 0)
        continue;
      s->at += length;
      skip_space (s);
      return TRUE;
    }
  return broken (s, "a value wanted");
}

/* Names are printable ASCII without escapes, so that equal names are equal bytes. */
static gboolean
scan_name (Scanner *s, char **ret_name)
{
  const char *first = s->at + 1;
  const char *end = first;

  while (end < s->end && *end != '"' && *end != '\\' && *end >= ' ' && *end < 0x7f)
    end++;
  if (peek (s) != '"' || end >= s->end || *end != '"' || end == first || end - first > STRICT_JSON_MAX_NAME)
    return broken (s, "a member name wanted: 1 to 64 printable ASCII characters without escapes");
  s->at = end;
  (void)accept (s, '"');
  *ret_name = g_strndup (first, (gsize)(end - first));
  return TRUE;
}

static gboolean
scan_member (Scanner *s, GHashTable *names, guint depth)
{
  const char *start = s->at;
  char *name = NULL;

  if (!scan_name (s, &name))
    return FALSE;
  if (!g_hash_table_add (names, name))
    return fail (s->error, ACCMIG_ERROR_INVALID, "JSON byte %zu: a second member of one name",
                 (gsize)(start - s->start));
  if (!accept (s, ':'))
    return broken (s, "“:” wanted");
  return scan_value (s, depth);
}

/* After "{". */
static gboolean
scan_object (Scanner *s, guint depth)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (accept (s, '}'))
    return TRUE;
  do
    if (!scan_member (s, names, depth))
      return FALSE;
  while (accept (s, ','));
  return accept (s, '}') || broken (s, "“,” or “}” wanted");
}

/* After "[". */
static gboolean
scan_array (Scanner *s, guint depth)
{
  if (accept (s, ']'))
    return TRUE;
  do
    if (!scan_value (s, depth))
      return FALSE;
  while (accept (s, ','));
  return accept (s, ']') || broken (s, "“,” or “]” wanted");
}

/* @depth: how many objects and arrays the value is in. */
static gboolean
scan_value (Scanner *s, guint depth)
{
  char c = peek (s);

  if (c == '"')
    return scan_string (s);
  if (c == '-' || g_ascii_isdigit (c))
    return scan_number (s);
  if (c != '{' && c != '[')
    return scan_word (s);
  if (depth >= s->max_depth)
    return fail (s->error, ACCMIG_ERROR_LIMIT, "JSON byte %zu: deeper than %u objects and arrays",
                 (gsize)(s->at - s->start), s->max_depth);
  (void)accept (s, c);
  return c == '{' ? scan_object (s, depth + 1) : scan_array (s, depth + 1);
}

static gboolean
scan_document (Scanner *s)
{
  skip_space (s);
  if (peek (s) != '{')
    return broken (s, "an object wanted");
  if (!scan_value (s, 0))
    return FALSE;
  return s->at == s->end || broken (s, "text after the end of the object");
}

JsonNode *
strict_json_parse (const char *text, gsize length, guint max_depth, GError **error)
{
  Scanner scanner = { text, text, text + length, max_depth, error };
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) reason = NULL;
  const char *bad;

  if (!g_utf8_validate (text, (gssize)length, &bad))
    {
      fail (error, ACCMIG_ERROR_INVALID, "JSON byte %zu: not UTF-8, or a NUL", (gsize)(bad - text));
      return NULL;
    }
  if (!scan_document (&scanner))
    return NULL;

  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, (gssize)length, &reason))
    {
      fail (error, ACCMIG_ERROR_INVALID, "JSON: %s", reason->message);
      return NULL;
    }
  return json_parser_steal_root (parser);
}

/* ---- writing ---- */

static void write_node (GString *out, JsonNode *node);

static void
write_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++)
    if ((guchar)*text < ' ')
      g_string_append_printf (out, "\\u%04x", *text);
    else if (*text == '"' || *text == '\\')
      g_string_append_printf (out, "\\%c", *text);
    else
      g_string_append_c (out, *text);
  g_string_append_c (out, '"');
}

static void
write_object (GString *out, JsonObject *object)
{
  g_autoptr (GList) names = g_list_sort (json_object_get_members (object), (GCompareFunc)strcmp);

  g_string_append_c (out, '{');
  for (GList *l = names; l != NULL; l = l->next)
    {
      if (l != names)
        g_string_append_c (out, ',');
      write_string (out, l->data);
      g_string_append_c (out, ':');
      write_node (out, json_object_get_member (object, l->data));
    }
  g_string_append_c (out, '}');
}

static void
write_array (GString *out, JsonArray *array)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      write_node (out, json_array_get_element (array, i));
    }
  g_string_append_c (out, ']');
}

static void
write_value (GString *out, JsonNode *node)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    write_string (out, json_node_get_string (node));
  else if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_INT64)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
  else
    g_assert_not_reached (); /* the scanner lets no doubles in, and nobody here makes them */
}

static void
write_node (GString *out, JsonNode *node)
{
  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      write_object (out, json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      write_array (out, json_node_get_array (node));
      break;
    case JSON_NODE_VALUE:
      write_value (out, node);
      break;
    case JSON_NODE_NULL:
      g_string_append (out, "null");
      break;
    }
}

char *
strict_json_write (JsonNode *node)
{
  GString *out = g_string_new (NULL);

  write_node (out, node);
  return g_string_free (out, FALSE);
}
