// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adopted devices
 *
 * Whose they are, and how long: a device stays for the user that gave it, as long as that user is connected
 * and for a while after, so that an accmigd that was restarted finds its devices and their sessions as they
 * were. A device that is disowned leaves the table at once and is closed with the last request on it.
 */

#include "adopted-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any host has devices for; each keeps a file descriptor or two. */
#define MAX_DEVICES 256

/* ---- devices ---------------------------------------------------------------------------------- */

void
adopted_close_session (Adopted *self)
{
  if (self->data_fd >= 0)
    close (self->data_fd);
  self->data_fd = -1;
}

/* What is still open of a device that is gone. */
typedef struct
{
  AccmigDevice *device;
  int data_fd;
} Leftover;

static gpointer
close_leftover (gpointer data)
{
  g_autofree Leftover *leftover = data;

  if (leftover->data_fd >= 0)
    close (leftover->data_fd);
  accmig_device_close (leftover->device);
  return NULL;
}

/* Whoever closes a device last waits while its driver resets it, however long that takes; so that is a thread
 * which nobody waits for. */
static void
adopted_clear (gpointer data)
{
  Adopted *self = data;
  Leftover *leftover = g_new (Leftover, 1);
  g_autoptr (GThread) thread = NULL;

  *leftover = (Leftover){ self->device, self->data_fd };
  thread = g_thread_try_new ("close", close_leftover, leftover, NULL);
  if (thread == NULL)
    (void)close_leftover (leftover);
  g_object_unref (self->disowned);
  g_free (self->id);
}

void
adopted_unref (gpointer adopted)
{
  g_rc_box_release_full (adopted, adopted_clear);
}

Adopted *
adopted_ref (Adopted *self)
{
  return g_rc_box_acquire (self);
}

/* @fd: (transfer full) */
static Adopted *
adopted_new (const AdoptedQuestion *question, int fd)
{
  Adopted *self = g_rc_box_new0 (Adopted);

  self->id = g_strdup (question->id);
  self->user = question->user;
  self->device = accmig_device_new_from_fd (fd, question->id, TRUE);
  self->fd = fd;
  self->data_fd = -1;
  self->disowned = g_cancellable_new ();
  return self;
}

/* One open file, however many descriptors it has. */
static gboolean
is_same_file (int a, int b)
{
  pid_t self = getpid ();

  return syscall (SYS_kcmp, self, self, KCMP_FILE, (unsigned long)a, (unsigned long)b) == 0;
}

Adopted *
adopted_set_find (const AdoptedSet *self, const char *id, uid_t user, GError **error)
{
  Adopted *adopted = g_hash_table_lookup (self->devices, id);

  if (adopted != NULL && adopted->user == user)
    return adopted;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device “%s” has been adopted", id);
  return NULL;
}

Adopted *
adopted_set_find_or_make (AdoptedSet *self, const AdoptedQuestion *question, GError **error)
{
  Adopted *known = g_hash_table_lookup (self->devices, question->id);
  int fd;

  if (!accmig_fd_is_device (question->fd))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                 "what was given for “%s” is not an open VFIO device", question->id);
  else if (known != NULL && known->user == question->user && is_same_file (known->fd, question->fd))
    return adopted_ref (known);
  else if (known != NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "“%s” has been adopted, with another device",
                 question->id);
  else if (g_hash_table_size (self->devices) >= MAX_DEVICES)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "cannot adopt “%s”: %d devices are here already",
                 question->id, MAX_DEVICES);
  else if ((fd = fcntl (question->fd, F_DUPFD_CLOEXEC, 3)) >= 0)
    return adopted_new (question, fd);
  else
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot adopt “%s”: %s", question->id,
                 g_strerror (errno));
  return NULL;
}

/* ---- the set ---------------------------------------------------------------------------------- */

static void
set_clear (gpointer data)
{
  AdoptedSet *self = data;

  g_hash_table_unref (self->devices);
  g_hash_table_unref (self->leaving);
}

void
adopted_set_unref (AdoptedSet *self)
{
  g_rc_box_release_full (self, set_clear);
}

AdoptedSet *
adopted_set_ref (AdoptedSet *self)
{
  return g_rc_box_acquire (self);
}

void
adopted_set_let_go (AdoptedSet *self, Adopted *adopted)
{
  g_autoptr (GCancellable) disowned = g_object_ref (adopted->disowned);

  g_hash_table_remove (self->devices, adopted->id);
  g_cancellable_cancel (disowned);
  if (adopted_set_is_empty (self))
    self->emptied (self->user);
}

gboolean
adopted_set_disown (AdoptedSet *self, const char *id, uid_t user, GError **error)
{
  Adopted *adopted = adopted_set_find (self, id, user, error);

  if (adopted == NULL)
    return FALSE;
  adopted_set_let_go (self, adopted);
  return TRUE;
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  return strcmp (((const AdoptedRow *)a)->id, ((const AdoptedRow *)b)->id);
}

GArray *
adopted_set_list (const AdoptedSet *self, uid_t user)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (AdoptedRow));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->devices);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Adopted *adopted = value;
      const AdoptedRow row = { adopted->id, adopted->state };

      if (adopted->user == user && adopted->known)
        g_array_append_val (rows, row);
    }
  g_array_sort (rows, compare_rows);
  return rows;
}

/* A user that is not connected, while its devices are kept. */
typedef struct
{
  AdoptedSet *set;
  uid_t user;
} Absence;

/* Who is not running when nobody drives it any more may have a guest that waits for it. */
static void
log_let_go (const AdoptedSet *self, const Adopted *adopted)
{
  gboolean runs = adopted->state == ACCMIG_STATE_RUNNING && !adopted->at_work;

  g_log (G_LOG_DOMAIN, runs ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING,
         "user %u has not come back for %u s, letting go of “%s”, last seen in %s%s", adopted->user,
         self->keep_s, adopted->id, accmig_state_to_string (adopted->state),
         adopted->at_work ? ", with a request at work on it" : "");
}

static gboolean
on_absent_too_long (gpointer data)
{
  const Absence *absence = data;
  AdoptedSet *self = absence->set;
  g_autoptr (GArray) rows = adopted_set_list (self, absence->user);

  for (guint i = 0; i < rows->len; i++)
    {
      Adopted *adopted = g_hash_table_lookup (self->devices, g_array_index (rows, AdoptedRow, i).id);

      log_let_go (self, adopted);
      adopted_set_let_go (self, adopted);
    }
  g_hash_table_remove (self->leaving, GUINT_TO_POINTER (absence->user));
  return G_SOURCE_REMOVE;
}

void
adopted_set_user_came (AdoptedSet *self, uid_t user)
{
  guint source = GPOINTER_TO_UINT (g_hash_table_lookup (self->leaving, GUINT_TO_POINTER (user)));

  if (source != 0)
    g_source_remove (source);
  g_hash_table_remove (self->leaving, GUINT_TO_POINTER (user));
}

void
adopted_set_user_left (AdoptedSet *self, uid_t user)
{
  g_autoptr (GArray) rows = adopted_set_list (self, user);
  Absence *absence;
  guint source;

  adopted_set_user_came (self, user);
  if (rows->len == 0)
    return;
  absence = g_new (Absence, 1);
  *absence = (Absence){ self, user };
  source = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, self->keep_s, on_absent_too_long, absence, g_free);
  g_hash_table_insert (self->leaving, GUINT_TO_POINTER (user), GUINT_TO_POINTER (source));
}

gboolean
adopted_set_is_empty (const AdoptedSet *self)
{
  return g_hash_table_size (self->devices) == 0;
}

AdoptedSet *
adopted_set_new (guint keep_s, void (*emptied) (gpointer user), gpointer user)
{
  AdoptedSet *self = g_rc_box_new0 (AdoptedSet);

  self->devices = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, adopted_unref);
  self->leaving = g_hash_table_new (NULL, NULL);
  self->keep_s = keep_s;
  self->emptied = emptied;
  self->user = user;
  return self;
}

void
adopted_set_free (AdoptedSet *self)
{
  GHashTableIter iter;
  gpointer source;

  if (self == NULL)
    return;
  g_hash_table_iter_init (&iter, self->leaving);
  while (g_hash_table_iter_next (&iter, NULL, &source))
    g_source_remove (GPOINTER_TO_UINT (source));
  g_hash_table_remove_all (self->leaving);
  g_hash_table_remove_all (self->devices);
  adopted_set_unref (self);
}
