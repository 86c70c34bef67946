// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One family
 *
 * The object that a family file is compiled to, and what can be asked of it.
 */

#include "family.h"

#include <string.h>

#include "profile-private.h"

/* ---- objects ---- */

static void
source_clear (gpointer data)
{
  FieldSource *source = data;

  g_free (source->text);
}

static void
name_clear (gpointer data)
{
  FieldName *name = data;

  g_free (name->text);
}

static void
condition_clear (gpointer data)
{
  MatchCondition *condition = data;

  g_array_unref (condition->values);
}

FamilyField *
family_field_new (const char *name)
{
  FamilyField *field = g_new0 (FamilyField, 1);

  field->name = g_strdup (name);
  field->sources = g_array_new (FALSE, FALSE, sizeof (FieldSource));
  field->names = g_array_new (FALSE, FALSE, sizeof (FieldName));
  field->conditions = g_array_new (FALSE, FALSE, sizeof (MatchCondition));
  g_array_set_clear_func (field->sources, source_clear);
  g_array_set_clear_func (field->names, name_clear);
  g_array_set_clear_func (field->conditions, condition_clear);
  return field;
}

void
family_field_free (FamilyField *field)
{
  g_free (field->name);
  g_free (field->what);
  g_free (field->from);
  g_array_unref (field->sources);
  g_array_unref (field->names);
  g_array_unref (field->conditions);
  g_free (field);
}

AccmigFamily *
family_new (const char *name, const char *path)
{
  AccmigFamily *self = g_new0 (AccmigFamily, 1);

  self->name = g_intern_string (name);
  self->path = g_strdup (path);
  self->drivers = g_new0 (char *, 1);
  self->ids = g_new0 (char *, 1);
  self->mdev_types = g_new0 (char *, 1);
  self->fields = g_ptr_array_new_with_free_func ((GDestroyNotify)family_field_free);
  self->rules = g_ptr_array_new_with_free_func ((GDestroyNotify)compat_rule_free);
  self->all_rules = g_ptr_array_new ();
  return self;
}

void
family_free (AccmigFamily *self)
{
  if (self == NULL)
    return;
  g_free (self->title);
  g_free (self->path);
  g_strfreev (self->drivers);
  g_strfreev (self->ids);
  g_strfreev (self->mdev_types);
  g_ptr_array_unref (self->fields);
  g_ptr_array_unref (self->rules);
  g_ptr_array_unref (self->all_rules);
  g_free (self);
}

/* ---- members ---- */

guint
family_count_slots (const AccmigFamily *self)
{
  return N_MEMBERS + (self != NULL ? self->fields->len : 0);
}

gboolean
family_find_field (const AccmigFamily *self, const char *name, guint *ret_index)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      const FamilyField *field = g_ptr_array_index (self->fields, i);

      if (strcmp (field->name, name) == 0)
        {
          *ret_index = i;
          return TRUE;
        }
    }
  return FALSE;
}

gboolean
family_find_member (const AccmigFamily *self, const char *name, FamilyMember *ret_member)
{
  ProfileMember member;
  guint index;

  if (family_find_field (self, name, &index))
    {
      const FamilyField *field = g_ptr_array_index (self->fields, index);

      *ret_member = (FamilyMember){ N_MEMBERS + index, field->type, field->what };
      return TRUE;
    }
  if (!profile_find_member (name, &member))
    return FALSE;
  *ret_member = (FamilyMember){ member, profile_member_get_type (member), profile_member_get_what (member) };
  return TRUE;
}

char *
family_member_path (const AccmigFamily *self, const char *name)
{
  guint index;

  return family_find_field (self, name, &index) ? g_strconcat (self->name, ".", name, NULL) : g_strdup (name);
}

/* ---- getters ---- */

const char *
accmig_family_get_name (const AccmigFamily *self)
{
  return self->name;
}

const char *
accmig_family_get_title (const AccmigFamily *self)
{
  return self->title;
}

const char *
accmig_family_get_path (const AccmigFamily *self)
{
  return self->path;
}

const char *const *
accmig_family_get_drivers (const AccmigFamily *self)
{
  return (const char *const *)self->drivers;
}

const char *const *
accmig_family_get_ids (const AccmigFamily *self)
{
  return (const char *const *)self->ids;
}

const char *const *
accmig_family_get_mdev_types (const AccmigFamily *self)
{
  return (const char *const *)self->mdev_types;
}

gsize
accmig_family_get_match_size (const AccmigFamily *self)
{
  return self->match_size;
}

gsize
accmig_family_get_stream_min (const AccmigFamily *self)
{
  return self->stream_min;
}

gboolean
accmig_family_has_trial (const AccmigFamily *self)
{
  return self->trial;
}

gsize
accmig_family_get_n_fields (const AccmigFamily *self)
{
  return self->fields->len;
}

const AccmigFamilyField *
accmig_family_get_field (const AccmigFamily *self, gsize index)
{
  g_return_val_if_fail (index < self->fields->len, NULL);
  return &((const FamilyField *)g_ptr_array_index (self->fields, index))->row;
}

gsize
accmig_family_get_n_rules (const AccmigFamily *self)
{
  return self->rules->len;
}

const AccmigFamilyRule *
accmig_family_get_rule (const AccmigFamily *self, gsize index)
{
  g_return_val_if_fail (index < self->rules->len, NULL);
  return &((const CompatRule *)g_ptr_array_index (self->rules, index))->row;
}
