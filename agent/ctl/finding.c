// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Findings, for a person
 */

#include "finding.h"

#include "document.h"
#include "table.h"

static const char *const titles[] = { "SEVERITY", "RULE", "SOURCE", "TARGET", NULL };
static const char *const members[] = { "severity", "rule", "source", "target" };

static void
add_finding (Table *table, JsonObject *finding)
{
  const char *remedy = document_get_text (finding, "remedy");

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    table_add (table, document_get_text (finding, members[i]));
  table_add_note (table, document_get_text (finding, "sentence"));
  if (*remedy != '\0')
    {
      g_autofree char *line = g_strconcat ("→ ", remedy, NULL);

      table_add_note (table, line);
    }
}

void
findings_print (JsonObject *verdict)
{
  g_autoptr (Table) table = table_new (titles);
  guint n = document_n_elements (verdict, "findings");

  for (guint i = 0; i < n; i++)
    {
      JsonObject *finding = document_get_element (verdict, "findings", i);

      if (finding != NULL)
        add_finding (table, finding);
    }
  if (n > 0)
    table_print (table);
}
