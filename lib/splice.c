// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Splicing
 *
 * A start tag begins at the last `<` before its end, since none can stand inside a tag. What is between is
 *
 *     <element  name = "value"  name='value' />
 *
 * with white space as its author liked. Values are taken out between their quotes and new ones put there, so
 * the quotes stay, too.
 *
 * A text that claims another encoding than UTF-8, or begins with a byte order mark, is not touched: whoever
 * reads it next may see other characters, or other offsets, than we do. libvirt writes neither.
 */

#include "splice.h"

#include <string.h>

#include "error-private.h"

#define BLANKS          " \t\r\n"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* A stretch of the text and what comes in its place. */
typedef struct
{
  gsize offset;
  gsize length;
  char *replacement;
} Patch;

/* One attribute as it stands: offsets into the text. */
typedef struct
{
  gsize name, name_length;
  gsize value, value_length;
} Attribute;

static void
patch_clear (gpointer data)
{
  g_free (((Patch *)data)->replacement);
}

static gsize
skip_blanks (const char *text, gsize at, gsize end)
{
  while (at < end && strchr (BLANKS, text[at]) != NULL)
    at++;
  return at;
}

/* Reads the attribute that begins at or after *@at. Returns: FALSE where there is none any more */
static gboolean
read_attribute (const char *text, gsize *at, gsize end, Attribute *ret_attribute)
{
  Attribute found = { .name = skip_blanks (text, *at, end) };
  gsize c = found.name;
  const char *quote;

  while (c < end && text[c] != '=' && strchr (BLANKS, text[c]) == NULL)
    c++;
  found.name_length = c - found.name;
  c = skip_blanks (text, c, end);
  if (found.name_length == 0 || c >= end || text[c] != '=')
    return FALSE;
  c = skip_blanks (text, c + 1, end);
  if (c >= end || (text[c] != '"' && text[c] != '\''))
    return FALSE;
  found.value = c + 1;
  quote = memchr (text + found.value, text[c], end - found.value);
  if (quote == NULL)
    return FALSE;
  found.value_length = (gsize)(quote - text) - found.value;
  *at = found.value + found.value_length + 1;
  *ret_attribute = found;
  return TRUE;
}

static gboolean
find_attribute (const char *text, gsize start, gsize end, const char *name, Attribute *ret_attribute)
{
  Attribute attribute;

  while (read_attribute (text, &start, end, &attribute))
    if (attribute.name_length == strlen (name)
        && memcmp (text + attribute.name, name, attribute.name_length) == 0)
      {
        *ret_attribute = attribute;
        return TRUE;
      }
  return FALSE;
}

/* Whether the text says, or leaves open, that it is UTF-8. */
static gboolean
check_encoding (const char *text, gsize length, GError **error)
{
  static const char declaration[] = "<?xml";
  const char *end = g_strstr_len (text, (gssize)length, "?>");
  Attribute encoding;

  if (length >= strlen (BYTE_ORDER_MARK) && memcmp (text, BYTE_ORDER_MARK, strlen (BYTE_ORDER_MARK)) == 0)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the XML begins with a byte order mark, must be plain UTF-8 to be changed");
  if (end == NULL || !g_str_has_prefix (text, declaration)
      || !find_attribute (text, strlen (declaration), (gsize)(end - text), "encoding", &encoding))
    return TRUE;
  if (encoding.value_length == strlen ("UTF-8")
      && g_ascii_strncasecmp (text + encoding.value, "UTF-8", encoding.value_length) == 0)
    return TRUE;
  return fail (error, ACCMIG_ERROR_INVALID,
               "the XML says that it is in another encoding, must be UTF-8 to be changed");
}

/* Finds the start tag that ends at @tag_end. @ret_attributes: where its attributes begin */
static gboolean
find_tag (const char *text, gsize length, gsize tag_end, const char *element, gsize *ret_attributes)
{
  gsize name_length = strlen (element);
  const char *start;

  if (tag_end >= length || (text[tag_end] != '>' && text[tag_end] != '/'))
    return FALSE;
  start = memrchr (text, '<', tag_end);
  if (start == NULL || (gsize)(text + tag_end - start) <= name_length
      || memcmp (start + 1, element, name_length) != 0)
    return FALSE;
  *ret_attributes = (gsize)(start - text) + 1 + name_length;
  return *ret_attributes == tag_end || strchr (BLANKS, text[*ret_attributes]) != NULL;
}

static gboolean
add_patch (GArray *patches, const char *text, gsize length, const SpliceEdit *edit, GError **error)
{
  Attribute attribute;
  Patch patch = { 0 };

  if (!find_tag (text, length, edit->tag_end, edit->element, &patch.offset))
    return fail (error, ACCMIG_ERROR_INVALID, "the tag of <%s> is not found again in the XML", edit->element);
  if (find_attribute (text, patch.offset, edit->tag_end, edit->attribute, &attribute))
    {
      patch.offset = attribute.value;
      patch.length = attribute.value_length;
      patch.replacement = g_strdup (edit->value);
    }
  else
    patch.replacement = g_strdup_printf (" %s='%s'", edit->attribute, edit->value);
  g_array_append_val (patches, patch);
  return TRUE;
}

static int
compare_patches (gconstpointer a, gconstpointer b)
{
  gsize first = ((const Patch *)a)->offset, second = ((const Patch *)b)->offset;

  return first < second ? -1 : first > second;
}

char *
splice_text (const char *text, gsize length, const SpliceEdit *edits, gsize n, GError **error)
{
  g_autoptr (GArray) patches = g_array_new (FALSE, FALSE, sizeof (Patch));
  g_autoptr (GString) result = NULL;
  gsize done = 0;

  g_array_set_clear_func (patches, patch_clear);
  if (!check_encoding (text, length, error))
    return NULL;
  for (gsize i = 0; i < n; i++)
    if (!add_patch (patches, text, length, &edits[i], error))
      return NULL;
  g_array_sort (patches, compare_patches);
  result = g_string_sized_new (length);
  for (guint i = 0; i < patches->len; i++)
    {
      const Patch *patch = &g_array_index (patches, Patch, i);

      g_string_append_len (result, text + done, (gssize)(patch->offset - done));
      g_string_append (result, patch->replacement);
      done = patch->offset + patch->length;
    }
  g_string_append_len (result, text + done, (gssize)(length - done));
  return g_string_free (g_steal_pointer (&result), FALSE);
}
