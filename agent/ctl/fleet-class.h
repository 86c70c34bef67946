/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/fleet.h>
#include <json-glib/json-glib.h>

#include "fleet-source.h"
#include "table.h"

/*
 * What the verbs about a fleet share: how a class is called, and what they print alike.
 */

/** fleet_class_label: Returns: (transfer full): "hisi_acc/3f2a9c0d11ee": family and the start of the digest
 */
char *fleet_class_label (const AccmigFleetClass *class);

/** fleet_class_trait: Returns: (transfer full): "CUSTOM_ACCMIG_HISI_ACC_3F2A9C0D11EE" */
char *fleet_class_trait (const AccmigFleetClass *class);

/** fleet_class_next_family: Returns: the index of the first class of another family than that of @index */
gsize fleet_class_next_family (const AccmigFleet *fleet, gsize index);

/** fleet_add_text: a member of the object that is being built */
void fleet_add_text (JsonBuilder *builder, const char *name, const char *value);
void fleet_add_number (JsonBuilder *builder, const char *name, guint64 value);
void fleet_add_names (JsonBuilder *builder, const char *name, const char *const *names, gsize n);

/** fleet_add_finding: the object that @finding becomes, sentence and remedy included */
void fleet_add_finding (JsonBuilder *builder, const AccmigFinding *finding);

/** fleet_table_names: a cell with all of @names */
void fleet_table_names (Table *table, const char *const *names, gsize n);

/** fleet_table_number: a cell */
void fleet_table_number (Table *table, guint64 number);

/** fleet_print_left_out: what was left out, in either form; nothing when nothing was */
void fleet_print_left_out (const GPtrArray *left_out);
void fleet_add_left_out (JsonBuilder *builder, const GPtrArray *left_out);
