// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The fields of a family, read from a device
 *
 * Each field has its sources, the surest first. One that none of them gives is left out of the profile.
 */

#include <string.h>

#include "family-code.h"
#include "sysfs.h"

/* ---- match data ---- */

guint64
match_word_read (const MatchWord *word, const guint8 *match)
{
  guint64 number = 0;

  for (guint i = 0; i < word->width; i++)
    number |= (guint64)match[word->offset + i] << (8 * i);
  return number;
}

/* All of the match data is there, or none. */
static gboolean
has_match (const FamilyDevice *device)
{
  const AccmigProbe *probe = device->probe;

  return device->match_size > 0 && probe->known && probe->match != NULL
         && probe->match_length >= device->match_size;
}

static gboolean
is_one_of (const GArray *values, guint64 number)
{
  for (guint i = 0; i < values->len; i++)
    if (g_array_index (values, guint64, i) == number)
      return TRUE;
  return FALSE;
}

/* Whether the field is one that this device has. */
static gboolean
conditions_hold (const FamilyField *field, const FamilyDevice *device)
{
  for (guint i = 0; i < field->conditions->len; i++)
    {
      const MatchCondition *condition = &g_array_index (field->conditions, MatchCondition, i);

      if (!has_match (device)
          || is_one_of (condition->values, match_word_read (&condition->word, device->probe->match))
                 != condition->wanted)
        return FALSE;
    }
  return TRUE;
}

/* ---- sources ---- */

static gboolean
read_match (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  if (!has_match (device))
    return FALSE;
  ret_value->number = match_word_read (&source->word, device->probe->match);
  return TRUE;
}

static gboolean
read_path (int dir_fd, const char *path, FieldValue *ret_value)
{
  char *text = sysfs_read_text (dir_fd, path);

  if (text == NULL)
    return FALSE;
  ret_value->text = text;
  return TRUE;
}

/* A component "*" stands for any name; the first file there is counts. */
static gboolean
read_pattern (int dir_fd, const char *path, FieldValue *ret_value)
{
  const char *star = strstr (path, "/*/");
  g_autofree char *parent = star != NULL ? g_strndup (path, (gsize)(star - path)) : NULL;
  g_auto (GStrv) names = star != NULL ? sysfs_list (dir_fd, parent) : NULL;

  if (star == NULL)
    return read_path (dir_fd, path, ret_value);
  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *candidate = g_build_filename (parent, *name, star + strlen ("/*/"), NULL);

      if (read_pattern (dir_fd, candidate, ret_value))
        return TRUE;
    }
  return FALSE;
}

static gboolean
read_sysfs (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  const char *pf = accmig_device_info_get_pf (device->info);
  g_autoptr (GString) path = g_string_new (source->text);

  if (pf == NULL && strstr (source->text, "{pf}") != NULL)
    return FALSE;
  g_string_replace (path, "{pf}", pf != NULL ? pf : "", 0);
  g_string_replace (path, "{address}", accmig_device_info_get_address (device->info), 0);
  return read_pattern (device->sysfs_fd, path->str, ret_value);
}

static gboolean
read_parameter (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  return read_path (device->sysfs_fd, source->text, ret_value);
}

/* Of the uacce devices that belong to the PF, the first that has the attribute. */
static gboolean
read_uacce (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  const char *pf = accmig_device_info_get_pf (device->info);
  g_auto (GStrv) names = sysfs_list (device->sysfs_fd, "class/uacce");

  for (char **name = names; pf != NULL && *name != NULL; name++)
    {
      g_autofree char *link = g_strdup_printf ("class/uacce/%s/device", *name);
      g_autofree char *attribute = g_strdup_printf ("class/uacce/%s/%s", *name, source->text);
      g_autofree char *owner = sysfs_read_link_name (device->sysfs_fd, link);

      if (g_strcmp0 (owner, pf) == 0 && read_path (device->sysfs_fd, attribute, ret_value))
        return TRUE;
    }
  return FALSE;
}

static gboolean
read_mdev_type (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  const char *type = accmig_device_info_get_mdev_type (device->info);

  return type != NULL && g_str_has_prefix (type, source->text)
         && g_ascii_string_to_unsigned (type + strlen (source->text), 10, 0, G_MAXINT64, &ret_value->number,
                                        NULL);
}

static gboolean
read_code (const FieldSource *source, const FamilyDevice *device, FieldValue *ret_value)
{
  if (source->reader->reads_match && !has_match (device))
    return FALSE;
  return source->reader->read (device, ret_value);
}

static gboolean (*const readers[]) (const FieldSource *source, const FamilyDevice *device,
                                    FieldValue *ret_value) = {
  [SOURCE_MATCH] = read_match, [SOURCE_SYSFS] = read_sysfs,         [SOURCE_PARAMETER] = read_parameter,
  [SOURCE_UACCE] = read_uacce, [SOURCE_MDEV_TYPE] = read_mdev_type, [SOURCE_CODE] = read_code,
};

static gboolean
reads_match (const FieldSource *source)
{
  return source->kind == SOURCE_MATCH || (source->kind == SOURCE_CODE && source->reader->reads_match);
}

static gboolean
can_be_in_match (const FamilyField *field)
{
  for (guint i = 0; i < field->sources->len; i++)
    if (reads_match (&g_array_index (field->sources, FieldSource, i)))
      return TRUE;
  return FALSE;
}

/* ---- members ---- */

/* A number, or the text of one, as the kernel prints it: "12", "-1", "0x1f", "Y". */
static gboolean
get_number (const FieldValue *value, gboolean boolean, guint64 *ret_number)
{
  if (value->text == NULL)
    {
      *ret_number = value->number;
      return TRUE;
    }
  if (boolean && (g_str_equal (value->text, "Y") || g_str_equal (value->text, "N")))
    {
      *ret_number = *value->text == 'Y';
      return TRUE;
    }
  return value_parse_number (value->text, ret_number);
}

/* The text that stands for the number, or its digits. */
static char *
name_number (const FamilyField *field, guint64 number)
{
  for (guint i = 0; i < field->names->len; i++)
    {
      const FieldName *name = &g_array_index (field->names, FieldName, i);

      if (name->number == number)
        return g_strdup (name->text);
    }
  return g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", (int)field->digits, number);
}

/* Returns: whether the value was one that the field can have */
static gboolean
set_member (JsonObject *object, const FamilyField *field, const FieldValue *value)
{
  gboolean verbatim = value->text != NULL && field->names->len == 0 && field->digits == 0;
  g_autofree char *text = NULL;
  guint64 number = 0;

  if (field->type == VALUE_TEXT && verbatim)
    {
      json_object_set_string_member (object, field->name, value->text);
      return TRUE;
    }
  if (!get_number (value, field->type == VALUE_BOOLEAN, &number))
    return FALSE;
  switch (field->type)
    {
    case VALUE_TEXT:
      text = name_number (field, number);
      json_object_set_string_member (object, field->name, text);
      return TRUE;
    case VALUE_BOOLEAN:
      json_object_set_boolean_member (object, field->name, number != 0);
      return TRUE;
    default:
      /* Beyond 2^63 nothing is a size or a count: some drivers let a negative errno slip through as one. */
      if (number > G_MAXINT64)
        return FALSE;
      json_object_set_int_member (object, field->name, (gint64)number);
      return TRUE;
    }
}

static void
read_field (const FamilyField *field, const FamilyDevice *device, JsonObject *object)
{
  if (!conditions_hold (field, device))
    return;
  for (guint i = 0; i < field->sources->len; i++)
    {
      const FieldSource *source = &g_array_index (field->sources, FieldSource, i);
      FieldValue value = { 0 };
      gboolean done;

      if (device->info == NULL && !reads_match (source))
        continue;
      done = readers[source->kind](source, device, &value) && set_member (object, field, &value);
      g_free (value.text);
      if (done)
        return;
    }
}

void
family_read_fields (const AccmigFamily *family, const FamilyDevice *device, JsonObject *object)
{
  for (guint i = 0; i < family->fields->len; i++)
    read_field (g_ptr_array_index (family->fields, i), device, object);
}

void
family_replace_fields (const AccmigFamily *family, const FamilyDevice *device, JsonObject *object)
{
  for (guint i = 0; i < family->fields->len; i++)
    {
      const FamilyField *field = g_ptr_array_index (family->fields, i);

      if (!can_be_in_match (field))
        continue;
      json_object_remove_member (object, field->name);
      read_field (field, device, object);
    }
}
