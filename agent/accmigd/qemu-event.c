// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU events
 *
 * Four of them, and of each no more than two words are wanted.
 */

#include "qemu-event.h"

#include <accmig/domain.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* Far more than these events have; it bounds the parser's recursion as well. */
#define DETAILS_MAX 2048

static const struct
{
  const char *name;
  QemuEventKind kind;
  const char *word;   /* (nullable): member that holds the word */
  const char *device; /* (nullable): member that holds the device */
} events[] = {
  { "MIGRATION", QEMU_EVENT_MIGRATION, "status", NULL },
  { "STOP", QEMU_EVENT_STOP, NULL, NULL },
  { "RESUME", QEMU_EVENT_RESUME, NULL, NULL },
  { "VFIO_MIGRATION", QEMU_EVENT_VFIO, "device-state", "device-id" },
};

static gboolean
fail_details (GError **error, const char *event, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "QEMU event %s: %s", event, what);
  return FALSE;
}

/* Copies the text member @name into @to. Words that are longer, or hold what is no part of a name, are no
 * words of QEMU's. */
static gboolean
copy_member (JsonObject *object, const char *name, char *to, gsize size)
{
  JsonNode *member = json_object_get_member (object, name);
  const char *text = member != NULL && JSON_NODE_HOLDS_VALUE (member) ? json_node_get_string (member) : NULL;

  return accmig_alias_is_valid (text) && g_strlcpy (to, text, size) < size;
}

gboolean
qemu_event_parse (const char *event, const char *details, QemuEvent *ret_event, GError **error)
{
  g_autoptr (JsonNode) root = NULL;
  QemuEvent found = { 0 };
  gsize i = 0;

  while (i < G_N_ELEMENTS (events) && strcmp (events[i].name, event) != 0)
    i++;
  if (i == G_N_ELEMENTS (events))
    return FALSE;

  found.kind = events[i].kind;
  if (events[i].word != NULL)
    {
      if (strlen (details) > DETAILS_MAX)
        return fail_details (error, event, "details are too long");
      root = json_from_string (details, NULL);
      if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
        return fail_details (error, event, "details are no JSON object");
      if (!copy_member (json_node_get_object (root), events[i].word, found.word, sizeof found.word))
        return fail_details (error, event, "details do not say what happened");
      if (events[i].device != NULL
          && !copy_member (json_node_get_object (root), events[i].device, found.device, sizeof found.device))
        return fail_details (error, event, "details do not name the device");
    }
  *ret_event = found;
  return TRUE;
}
