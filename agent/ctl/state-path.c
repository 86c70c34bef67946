// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state path
 *
 * Which way the kernel takes from one state to another: the library knows its table, nobody is asked.
 */

#include "call.h"

#include <accmig/fsm.h>
#include <stdio.h>

#include "document.h"
#include "table.h"

#define FORMAT    "accmig-path/1"
#define ALL_FLAGS (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P | ACCMIG_FLAG_PRE_COPY)

static const char *const titles[] = { "FROM", "TO", "STREAM", NULL };

typedef struct
{
  guint64 flags;
  AccmigState from, to;
  AccmigState hops[ACCMIG_FSM_MAX_PATH];
  gsize n_hops;
} Path;

static const char *
describe_stream (AccmigState from, AccmigState to)
{
  if (accmig_fsm_arc_opens_stream (from, to))
    return "opens";
  return accmig_fsm_arc_ends_stream (from, to) ? "ends" : "";
}

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
print_json (const Path *path)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *flags = accmig_flags_to_string (path->flags);
  AccmigState at = path->from;

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "flags", flags);
  add_text (builder, "from", accmig_state_to_string (path->from));
  add_text (builder, "to", accmig_state_to_string (path->to));
  json_builder_set_member_name (builder, "hops");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < path->n_hops; at = path->hops[i++])
    {
      json_builder_begin_object (builder);
      add_text (builder, "from", accmig_state_to_string (at));
      add_text (builder, "to", accmig_state_to_string (path->hops[i]));
      add_text (builder, "stream", describe_stream (at, path->hops[i]));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_table (const Path *path)
{
  g_autoptr (Table) table = table_new (titles);
  AccmigState at = path->from;

  for (gsize i = 0; i < path->n_hops; at = path->hops[i++])
    {
      table_add (table, accmig_state_to_string (at));
      table_add (table, accmig_state_to_string (path->hops[i]));
      table_add (table, describe_stream (at, path->hops[i]));
    }
  if (path->n_hops > 0)
    table_print (table);
  else
    printf ("it is in %s already\n", accmig_state_to_string (path->to));
}

static gboolean
read_state (const char *word, AccmigState *ret_state, GError **error)
{
  if (accmig_state_from_string (word, ret_state))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "“%s” is no state a device can be in", word);
  return FALSE;
}

static gboolean
read_flags (const char *text, guint64 *ret_flags, GError **error)
{
  g_autoptr (GError) wrong = NULL;

  *ret_flags = ALL_FLAGS;
  if (text == NULL || accmig_flags_from_string (text, ret_flags, &wrong))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--flags: %s", wrong->message);
  return FALSE;
}

Status
state_path_run (const Call *call, GError **error)
{
  g_autoptr (GError) blocked = NULL;
  Path path = { 0 };

  if (!read_flags (call->flags, &path.flags, error) || !read_state (call->words[0], &path.from, error)
      || !read_state (call->words[1], &path.to, error))
    return STATUS_USAGE;
  if (!accmig_fsm_path (path.flags, path.from, path.to, path.hops, &path.n_hops, &blocked))
    {
      g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, blocked->message);
      return STATUS_REFUSED;
    }
  if (call->json)
    print_json (&path);
  else
    print_table (&path);
  return STATUS_DONE;
}
