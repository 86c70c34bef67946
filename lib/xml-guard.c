// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard before libxml2
 *
 * libxml2 reads the text; this file sees to it that it cannot be made to work hard or to reach out:
 *
 *   - Entities, the external subset and everything that is fetched come with a document type
 *     declaration. libvirt's XML has none, so the parser is stopped at the declaration, before its first
 *     entity is declared.
 *   - Depth is counted while parsing, and the parser stopped at the limit.
 *   - So are namespace declarations, of the whole text: libxml2 looks every prefix up among all that are in
 *     scope, so thousands of them on nested elements take it many seconds.
 *   - libxml2 compares every attribute of an element with all its others, so a megabyte of attributes takes
 *     it many seconds, too. They are counted before it starts. A quick scan is enough for that: a raw `<`
 *     cannot stand inside a tag, hence every `<` begins afresh, and whatever the scan misread before is
 *     forgotten.
 *   - Its own limits (nothing is parsed with XML_PARSE_HUGE) stand behind these.
 *
 * Where each start tag ends is noted in the field of its node that libxml2 leaves to applications: when the
 * parser calls back, it has read the attributes and stands at the `>`.
 */

#include "xml-guard.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "error-private.h"

#define MAX_ATTRIBUTES 256 /* of one element, namespace declarations included; libvirt's have a dozen */
#define MAX_NAMESPACES 64  /* declarations in the whole text; libvirt's has one for each user of metadata */

#if LIBXML_VERSION >= 21300
#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NO_XXE)
#else
#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
#endif

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlParserCtxt, xmlFreeParserCtxt)

/* What stopped the parser, if we did. */
typedef struct
{
  guint depth;
  guint max_depth;
  guint n_namespaces;
  gboolean too_deep;
  gboolean too_many_namespaces;
  gboolean has_dtd;
} Guard;

/* How far the parser is in its input. There is only one: nothing is included. */
static gsize
get_offset (const xmlParserCtxt *parser)
{
  const xmlParserInput *input = parser->input;

  return (gsize)input->consumed + (gsize)(input->cur - input->base);
}

static void
on_start_element (void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                  int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
                  const xmlChar **attributes)
{
  xmlParserCtxt *parser = data;
  Guard *guard = parser->_private;

  guard->depth++;
  guard->n_namespaces += (guint)n_namespaces;
  guard->too_deep |= guard->depth > guard->max_depth;
  guard->too_many_namespaces |= guard->n_namespaces > MAX_NAMESPACES;
  if (guard->too_deep || guard->too_many_namespaces)
    {
      xmlStopParser (parser);
      return;
    }
  xmlSAX2StartElementNs (data, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_defaulted,
                         attributes);
  if (parser->node != NULL)
    parser->node->_private = GSIZE_TO_POINTER (get_offset (parser));
}

static void
on_end_element (void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
  xmlParserCtxt *parser = data;
  Guard *guard = parser->_private;

  guard->depth--;
  xmlSAX2EndElementNs (data, name, prefix, uri);
}

static void
on_document_type (void *data, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
  xmlParserCtxt *parser = data;
  Guard *guard = parser->_private;

  guard->has_dtd = TRUE;
  xmlStopParser (parser);
}

/* Whether some tag has more than MAX_ATTRIBUTES equals signs outside quotes. */
static gboolean
has_too_many_attributes (const char *text, gsize length)
{
  gboolean in_tag = FALSE;
  char quote = '\0';
  guint n = 0;

  for (gsize i = 0; i < length; i++)
    {
      char c = text[i];

      if (c == '<')
        {
          in_tag = i + 1 < length && text[i + 1] != '!' && text[i + 1] != '?';
          quote = '\0';
          n = 0;
        }
      else if (!in_tag)
        continue;
      else if (quote != '\0')
        quote = c == quote ? '\0' : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '>')
        in_tag = FALSE;
      else if (c == '=' && ++n > MAX_ATTRIBUTES)
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_bytes (const char *what, const char *text, gsize length, gsize max_size, GError **error)
{
  const char *end;

  if (length > max_size)
    return fail (error, ACCMIG_ERROR_LIMIT, "%s: %zu bytes, at most %zu", what, length, max_size);
  if (length == 0)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: empty", what);
  if (!g_utf8_validate_len (text, length, &end))
    return fail (error, ACCMIG_ERROR_INVALID, "%s: byte %zu is not UTF-8", what, (gsize)(end - text));
  if (has_too_many_attributes (text, length))
    return fail (error, ACCMIG_ERROR_LIMIT, "%s: an element has more than %d attributes", what,
                 MAX_ATTRIBUTES);
  return TRUE;
}

/* libxml2's own message quotes the text, which may hold passwords; so it gives only the place. */
static gboolean
explain (const char *what, xmlParserCtxt *parser, const Guard *guard, GError **error)
{
  const xmlError *last = xmlCtxtGetLastError (parser);

  if (guard->too_deep)
    return fail (error, ACCMIG_ERROR_LIMIT, "%s: elements are nested deeper than %u", what, guard->max_depth);
  if (guard->too_many_namespaces)
    return fail (error, ACCMIG_ERROR_LIMIT, "%s: more than %d namespace declarations", what, MAX_NAMESPACES);
  if (guard->has_dtd)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: has a document type declaration, must have none", what);
  return fail (error, ACCMIG_ERROR_INVALID, "%s: not well-formed XML, line %d (libxml2 error %d)", what,
               last == NULL ? 0 : last->line, last == NULL ? 0 : last->code);
}

xmlDoc *
xml_guard_parse (const char *what, const char *text, gsize length, gsize max_size, guint max_depth,
                 GError **error)
{
  g_autoptr (xmlParserCtxt) parser = NULL;
  g_autoptr (xmlDoc) document = NULL;
  Guard guard = { .max_depth = max_depth };

  if (!check_bytes (what, text, length, max_size, error))
    return NULL;
  parser = xmlNewParserCtxt ();
  if (parser == NULL)
    g_error ("out of memory");
  parser->_private = &guard;
  parser->sax->startElementNs = on_start_element;
  parser->sax->endElementNs = on_end_element;
  parser->sax->internalSubset = on_document_type;
  /* The encoding is given, so that one that the text claims is not believed. */
  document = xmlCtxtReadMemory (parser, text, (int)length, NULL, "UTF-8", PARSE_OPTIONS);
  if (document == NULL || guard.too_deep || guard.too_many_namespaces || guard.has_dtd
      || xmlDocGetRootElement (document) == NULL)
    {
      explain (what, parser, &guard, error);
      return NULL;
    }
  return g_steal_pointer (&document);
}

gsize
xml_guard_get_tag_end (const xmlNode *element)
{
  return GPOINTER_TO_SIZE (element->_private);
}
