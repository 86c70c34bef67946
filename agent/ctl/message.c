// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages
 *
 * From sd-bus's messages, which are read once and in order, to GLib's values, which can be looked up by name.
 */

#include "message.h"

#include <errno.h>

/* Any basic value but a descriptor, as sd_bus_message_read_basic() fills it in. */
typedef union {
  guint8 byte;
  gint16 int16;
  guint16 uint16;
  gint32 int32; /* booleans, too */
  guint32 uint32;
  gint64 int64;
  guint64 uint64;
  double real;
  const char *text;
} Basic;

static GVariant *
make_basic (char type, const Basic *basic)
{
  switch (type)
    {
    case SD_BUS_TYPE_BYTE:
      return g_variant_new_byte (basic->byte);
    case SD_BUS_TYPE_BOOLEAN:
      return g_variant_new_boolean (basic->int32);
    case SD_BUS_TYPE_INT16:
      return g_variant_new_int16 (basic->int16);
    case SD_BUS_TYPE_UINT16:
      return g_variant_new_uint16 (basic->uint16);
    case SD_BUS_TYPE_INT32:
      return g_variant_new_int32 (basic->int32);
    case SD_BUS_TYPE_UINT32:
      return g_variant_new_uint32 (basic->uint32);
    case SD_BUS_TYPE_INT64:
      return g_variant_new_int64 (basic->int64);
    case SD_BUS_TYPE_UINT64:
      return g_variant_new_uint64 (basic->uint64);
    case SD_BUS_TYPE_DOUBLE:
      return g_variant_new_double (basic->real);
    case SD_BUS_TYPE_STRING:
      return g_variant_new_string (basic->text);
    case SD_BUS_TYPE_OBJECT_PATH:
      return g_variant_new_object_path (basic->text);
    case SD_BUS_TYPE_SIGNATURE:
      return g_variant_new_signature (basic->text);
    default:
      return NULL;
    }
}

/* The GVariant type of a container of @contents. */
static GVariantType *
make_type (char type, const char *contents)
{
  g_autofree char *text = NULL;

  switch (type)
    {
    case SD_BUS_TYPE_ARRAY:
      text = g_strconcat ("a", contents, NULL);
      break;
    case SD_BUS_TYPE_VARIANT:
      text = g_strdup ("v");
      break;
    case SD_BUS_TYPE_STRUCT:
      text = g_strconcat ("(", contents, ")", NULL);
      break;
    default:
      text = g_strconcat ("{", contents, "}", NULL);
      break;
    }
  return g_variant_type_new (text);
}

/* How deep it goes is bounded by D-Bus: 64 containers. */
static int
read_container (sd_bus_message *m, char type, const char *contents, GVariant **ret_value)
{
  g_autoptr (GVariantType) variant_type = make_type (type, contents);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (variant_type);
  int r = sd_bus_message_enter_container (m, type, contents);

  while (r >= 0 && sd_bus_message_at_end (m, 0) == 0)
    {
      g_autoptr (GVariant) item = NULL;

      r = message_read (m, &item);
      if (r >= 0)
        g_variant_builder_add_value (&builder, item);
    }
  if (r >= 0)
    r = sd_bus_message_exit_container (m);
  if (r >= 0)
    *ret_value = g_variant_ref_sink (g_variant_builder_end (&builder));
  return r;
}

int
message_read (sd_bus_message *m, GVariant **ret_value)
{
  char type = 0;
  const char *contents = NULL;
  Basic basic = { 0 };
  GVariant *value = NULL;
  int r = sd_bus_message_peek_type (m, &type, &contents);

  if (r <= 0)
    return r < 0 ? r : -ENXIO;
  if (contents != NULL)
    return read_container (m, type, contents, ret_value);
  if (type == SD_BUS_TYPE_UNIX_FD)
    return -EOPNOTSUPP;
  r = sd_bus_message_read_basic (m, type, &basic);
  value = r >= 0 ? make_basic (type, &basic) : NULL;
  if (value == NULL)
    return r < 0 ? r : -EOPNOTSUPP;
  *ret_value = g_variant_ref_sink (value);
  return 0;
}
