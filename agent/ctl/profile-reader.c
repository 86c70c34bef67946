// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading many profiles
 *
 * Here it is only found out where a profile begins and ends: at the braces that belong together, those in
 * strings left aside. What is between them the library reads, and it is strict.
 */

#include "profile-reader.h"

#include <accmig/error.h>
#include <string.h>

#define STEP 65536

struct _ProfileReader
{
  GInputStream *stream;
  GByteArray *buffer;
  guint start; /* of what was not looked at, in the buffer */
  gboolean at_end;
  gboolean in_array;
  gboolean is_over;
  guint n; /* the number of the profile that is looked for or was found last */
};

ProfileReader *
profile_reader_new (GInputStream *stream)
{
  ProfileReader *self = g_new0 (ProfileReader, 1);

  self->stream = g_object_ref (stream);
  self->buffer = g_byte_array_new ();
  return self;
}

void
profile_reader_free (ProfileReader *self)
{
  if (self == NULL)
    return;
  g_object_unref (self->stream);
  g_byte_array_unref (self->buffer);
  g_free (self);
}

/* Reads on. Returns: FALSE on failure; at the end there is just nothing more in the buffer */
static gboolean
fill (ProfileReader *self, GError **error)
{
  guint old = 0;
  gssize n = 0;

  g_byte_array_remove_range (self->buffer, 0, self->start);
  self->start = 0;
  old = self->buffer->len;
  g_byte_array_set_size (self->buffer, old + STEP);
  n = g_input_stream_read (self->stream, self->buffer->data + old, STEP, NULL, error);
  g_byte_array_set_size (self->buffer, old + (guint)MAX (n, 0));
  self->at_end = n == 0;
  return n >= 0;
}

/* The next byte that is no white space, which stays where it is; 0 at the end and on failure. */
static guint8
peek (ProfileReader *self, GError **error)
{
  for (;;)
    {
      for (; self->start < self->buffer->len; self->start++)
        if (!g_ascii_isspace (self->buffer->data[self->start]))
          return self->buffer->data[self->start];
      if (self->at_end || !fill (self, error))
        return 0;
    }
}

/* How far the object that begins at the buffer's start was looked through. */
typedef struct
{
  guint position;
  guint depth;
  gboolean in_string;
  gboolean escaped;
} Scan;

/* Returns: whether the object is complete; it then has ->position bytes */
static gboolean
scan (const ProfileReader *self, Scan *scan)
{
  for (; self->start + scan->position < self->buffer->len; scan->position++)
    {
      guint8 c = self->buffer->data[self->start + scan->position];

      if (scan->escaped)
        scan->escaped = FALSE;
      else if (scan->in_string)
        {
          scan->escaped = c == '\\';
          scan->in_string = c != '"';
        }
      else if (c == '"')
        scan->in_string = TRUE;
      else if (c == '{')
        scan->depth++;
      else if (c == '}' && --scan->depth == 0)
        {
          scan->position++;
          return TRUE;
        }
    }
  return FALSE;
}

static gboolean
fail (GError **error, const ProfileReader *self, AccmigError code, const char *what)
{
  g_set_error (error, ACCMIG_ERROR, code, "profile %u: %s", self->n, what);
  return FALSE;
}

/* Finds the end of the object that begins at the buffer's start. */
static gboolean
find_end (ProfileReader *self, guint *ret_length, GError **error)
{
  Scan state = { 0 };

  while (!scan (self, &state))
    {
      if (state.position > ACCMIG_PROFILE_MAX_SIZE)
        return fail (error, self, ACCMIG_ERROR_LIMIT,
                     "more than " G_STRINGIFY (ACCMIG_PROFILE_MAX_SIZE) " bytes");
      if (self->at_end)
        return fail (error, self, ACCMIG_ERROR_INVALID, "it does not end");
      if (!fill (self, error))
        return FALSE;
    }
  *ret_length = state.position;
  return TRUE;
}

/* After the bracket that ends the array. */
static gboolean
end_array (ProfileReader *self, GError **error)
{
  self->start++;
  self->is_over = TRUE;
  return peek (self, error) == 0
         || fail (error, self, ACCMIG_ERROR_INVALID, "it follows the end of the array");
}

/* Leaves what stands between two profiles behind. Returns: FALSE at the end, and on failure */
static gboolean
go_to_next (ProfileReader *self, GError **error)
{
  g_autoptr (GError) read_error = NULL;
  gboolean is_first = ++self->n == 1;
  guint8 c = peek (self, &read_error);

  if (is_first ? c == '[' : self->in_array && c == ',')
    {
      self->in_array = TRUE;
      self->start++;
      c = peek (self, &read_error);
      if (c == ']' && !is_first)
        return fail (error, self, ACCMIG_ERROR_INVALID, "there is none after the comma");
    }
  else if (self->in_array && c == '{')
    return fail (error, self, ACCMIG_ERROR_INVALID, "there is no comma before it");
  if (read_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&read_error));
      return FALSE;
    }
  if (self->in_array && c == ']')
    return end_array (self, error) && FALSE;
  if (c == 0)
    return self->in_array && fail (error, self, ACCMIG_ERROR_INVALID, "the array ends before it");
  return c == '{' || fail (error, self, ACCMIG_ERROR_INVALID, "it does not begin with “{”");
}

AccmigProfile *
profile_reader_next (ProfileReader *self, GError **error)
{
  AccmigProfile *profile = NULL;
  guint length = 0;

  if (self->is_over || !go_to_next (self, error) || !find_end (self, &length, error))
    {
      self->is_over = TRUE;
      return NULL;
    }
  profile =
      accmig_profile_new_from_json ((const char *)self->buffer->data + self->start, (gssize)length, error);
  self->start += length;
  self->is_over = profile == NULL;
  if (profile == NULL)
    g_prefix_error (error, "profile %u: ", self->n);
  return profile;
}
