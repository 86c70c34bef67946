// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state set
 *
 * A free device keeps no state: it is reset when the broker closes it. So this is a walk, and what it is for
 * is what it shows: which requests the driver takes, by which hops, and how long each takes.
 */

#include "call.h"

#include <accmig/fsm.h>

#include "client.h"
#include "document.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-walk/1"

static const char *const titles[] = { "FROM", "BY WAY OF", "TO", "TIME", "STATE", NULL };

/* One request, borrowed from the answer. */
typedef struct
{
  const char *from, *to;
  const char **hops; /* the last is @to */
  guint64 usec;
  const char *refusal; /* "" */
  const char *left_in;
} Step;

static Step
read_step (GVariant *steps, gsize index)
{
  g_autoptr (GVariant) item = g_variant_get_child_value (steps, index);
  Step step = { 0 };

  g_variant_get (item, "(&s&s^a&st&s&s)", &step.from, &step.to, &step.hops, &step.usec, &step.refusal,
                 &step.left_in);
  return step;
}

static void
step_clear (Step *step)
{
  g_free (step->hops);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Step, step_clear)

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
build_step (JsonBuilder *builder, const Step *step)
{
  json_builder_begin_object (builder);
  add_text (builder, "from", step->from);
  add_text (builder, "to", step->to);
  json_builder_set_member_name (builder, "hops");
  json_builder_begin_array (builder);
  for (const char **hop = step->hops; *hop != NULL; hop++)
    json_builder_add_string_value (builder, *hop);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "usec");
  json_builder_add_int_value (builder, (gint64)step->usec);
  add_text (builder, "errno", step->refusal);
  add_text (builder, "state", step->left_in);
  json_builder_end_object (builder);
}

static void
print_json (const char *address, GVariant *steps)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "address", address);
  json_builder_set_member_name (builder, "steps");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (steps); i++)
    {
      g_auto (Step) step = read_step (steps, i);

      build_step (builder, &step);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

/* (transfer full): the hops but for the last, which has a column of its own */
static char *
join_hops (const Step *step)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const char **hop = step->hops; *hop != NULL && hop[1] != NULL; hop++)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " → " : "", *hop);
  return g_strdup (text->str);
}

static void
print_table (GVariant *steps)
{
  g_autoptr (Table) table = table_new (titles);

  for (gsize i = 0; i < g_variant_n_children (steps); i++)
    {
      g_auto (Step) step = read_step (steps, i);

      table_add (table, step.from);
      table_take (table, join_hops (&step));
      table_add (table, step.to);
      table_take (table, text_duration ((gint64)step.usec));
      table_take (table, *step.refusal == '\0' ? g_strdup (step.left_in)
                                               : g_strdup_printf ("%s (%s)", step.left_in, step.refusal));
    }
  table_print (table);
}

/* Whether the last request was done as well as those before it. */
static gboolean
check_end (const char *address, GVariant *steps, GError **error)
{
  gsize n = g_variant_n_children (steps);
  g_auto (Step) last = { 0 };

  if (n == 0)
    return TRUE;
  last = read_step (steps, n - 1);
  if (*last.refusal == '\0')
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s does not go from %s to %s: %s, which left it in %s",
               address, last.from, last.to, last.refusal, last.left_in);
  return FALSE;
}

static gboolean
check_states (char *const *states, GError **error)
{
  AccmigState state;

  for (; *states != NULL; states++)
    if (!accmig_state_from_string (*states, &state))
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "“%s” is no state a device can be in",
                     *states);
        return FALSE;
      }
  return TRUE;
}

Status
state_set_run (const Call *call, GError **error)
{
  const char *address = call->words[0];
  g_autoptr (Client) client = check_states (call->words + 1, error) ? client_new (call->host, error) : NULL;
  g_autoptr (GVariant) steps =
      client != NULL ? client_set_state (client, address, call->words + 1, error) : NULL;

  if (steps == NULL)
    return STATUS_FAILED;
  if (call->json)
    print_json (address, steps);
  else
    print_table (steps);
  return check_end (address, steps, error) ? STATUS_DONE : STATUS_FAILED;
}
