// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A broker without devices
 *
 * Speaks the broker's protocol on a socket and answers for devices that are files: DIRECTORY/ADDRESS holds a
 * group "device" with flags, size, match (hex), pid, state, error (a name, instead of an answer), refuses
 * (errno's name, for Trial and the last step of Walk) and hold (the answer waits for "release" on standard
 * input); error-VERB and hold-VERB are for one verb alone; repaired is the state after Repair. What it is
 * asked goes to standard output, one line per call. CreateMdev looks for its parent's name.
 * DIRECTORY/ADDRESS.evidence and DIRECTORY/NAME.log are what Evidence and ReadLog answer, nothing when there
 * is no such file. What is adopted is a device's file, too, DIRECTORY/DOMAINUUID/NAME; its state is the
 * file's first, and then what it was asked to step to, which takes "arc" µs. Its stream has "size" bytes.
 *
 * What takes time is told with its times, in µs of the monotonic clock: "stepped ID STATE ASKED ANSWERED" and
 * "streamed ID BYTES ASKED ANSWERED".
 *
 * Standard input takes, one per line: "release", which lets all held answers go, "event UUID NAME EVENT USEC
 * DETAILS", which is answered with "told UUID EVENT WHEN", and "gap UUID".
 */

#include "broker-stub-adopted.h"
#include "broker-stub-slow.h"
#include "common/names.h"

#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define EVENT_WORDS 6

typedef struct
{
  const char *directory;
  sd_event *event;
  sd_bus *peer;    /* (nullable): one at a time */
  GPtrArray *held; /* of sd_bus_message: answers */
  Adopted *adopted;
} Stub;

static void
say (const char *what, const char *subject)
{
  (void)printf ("%s%s%s\n", what, subject != NULL ? " " : "", subject != NULL ? subject : "");
  (void)fflush (stdout);
}

static void
message_free (gpointer message)
{
  sd_bus_message_unref (message);
}

/* ---- devices ---- */

static GKeyFile *
load_device (const Stub *self, const char *address)
{
  g_autoptr (GKeyFile) device = g_key_file_new ();
  g_autofree char *path = g_build_filename (self->directory, address, NULL);

  return g_key_file_load_from_file (device, path, G_KEY_FILE_NONE, NULL) ? g_steal_pointer (&device) : NULL;
}

static guint64
get_number (GKeyFile *device, const char *key)
{
  return g_key_file_get_uint64 (device, "device", key, NULL);
}

static GByteArray *
get_match (GKeyFile *device)
{
  g_autofree char *hex = g_key_file_get_string (device, "device", "match", NULL);
  GByteArray *bytes = g_byte_array_new ();

  for (const char *c = hex; c != NULL && c[0] != '\0' && c[1] != '\0'; c += 2)
    {
      guint8 byte = (guint8)(g_ascii_xdigit_value (c[0]) << 4 | g_ascii_xdigit_value (c[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

/* (nullable) (transfer full) */
static char *
get_error (GKeyFile *device, const char *verb)
{
  g_autofree char *key = g_strconcat ("error-", verb, NULL);
  char *error = g_key_file_get_string (device, "device", key, NULL);

  return error != NULL ? error : g_key_file_get_string (device, "device", "error", NULL);
}

/* (nullable): the device that a call names; else it has been answered, or will never be */
static GKeyFile *
take_device (Stub *self, sd_bus_message *m, sd_bus_error *ret_error)
{
  const char *address = NULL;
  g_autoptr (GKeyFile) device = NULL;
  g_autofree char *error = NULL;

  if (sd_bus_message_read (m, "s", &address) < 0)
    return NULL;
  say (sd_bus_message_get_member (m), address);
  device = load_device (self, address);
  if (device == NULL)
    {
      (void)sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("NotFound"), "no device %s here", address);
      return NULL;
    }
  error = get_error (device, sd_bus_message_get_member (m));
  if (error == NULL)
    return g_steal_pointer (&device);
  (void)sd_bus_error_setf (ret_error, error, "%s was told to fail", address);
  return NULL;
}

static gboolean
is_held (GKeyFile *device, const char *verb)
{
  g_autofree char *hold = g_strconcat ("hold-", verb, NULL);

  return g_key_file_get_boolean (device, "device", "hold", NULL)
         || g_key_file_get_boolean (device, "device", hold, NULL);
}

static int
send_answer (Stub *self, GKeyFile *device, sd_bus_message *answer, const char *verb)
{
  if (!is_held (device, verb))
    return sd_bus_send (NULL, answer, NULL);
  g_ptr_array_add (self->held, sd_bus_message_ref (answer));
  return 1;
}

/* ---- verbs ---- */

static int
on_probe (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  g_autoptr (GKeyFile) device = take_device (self, m, ret_error);
  g_autoptr (GByteArray) match = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  int r = 0;

  if (device == NULL)
    return -EINVAL;
  match = get_match (device);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "tt", get_number (device, "flags"), get_number (device, "size"));
  if (r >= 0)
    r = sd_bus_message_append_array (answer, 'y', match->data, match->len);
  if (r >= 0)
    r = sd_bus_message_append (answer, "sb", "group",
                               !g_key_file_get_boolean (device, "device", "untracked", NULL));
  return r < 0 ? r : send_answer (self, device, answer, sd_bus_message_get_member (m));
}

static int
on_peek (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  g_autoptr (GKeyFile) device = take_device (self, m, ret_error);
  g_autofree char *state = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  int r = 0;

  if (device == NULL)
    return -EINVAL;
  state = g_key_file_get_string (device, "device", "state", NULL);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "utsx", (guint32)get_number (device, "pid"),
                               get_number (device, "flags"), state != NULL ? state : "", g_get_real_time ());
  return r < 0 ? r : send_answer (self, device, answer, sd_bus_message_get_member (m));
}

/* Writes the match data: enough of a stream to see that the descriptor arrived. */
static int
on_save (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  g_autoptr (GByteArray) match = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  int fd = -1, r = 0;

  if (device == NULL || sd_bus_message_read (m, "h", &fd) < 0)
    return -EINVAL;
  match = get_match (device);
  if (write (fd, match->data, match->len) != (ssize_t)match->len)
    return -errno;
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "t", (guint64)match->len);
  return r < 0 ? r : send_answer (user, device, answer, sd_bus_message_get_member (m));
}

static int
on_load (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  guint8 buffer[256];
  ssize_t n = 0;
  int fd = -1;

  if (device == NULL || sd_bus_message_read (m, "h", &fd) < 0)
    return -EINVAL;
  n = read (fd, buffer, sizeof buffer);
  return n < 0 ? -errno : sd_bus_reply_method_return (m, "t", (guint64)n);
}

/* Says what match data came. */
static int
on_trial (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  g_autofree char *refusal = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  const guint8 *match = NULL;
  size_t length = 0;
  int r = 0;

  if (device == NULL || sd_bus_message_read_array (m, 'y', (const void **)&match, &length) < 0)
    return -EINVAL;
  (void)printf ("match ");
  for (size_t i = 0; i < length; i++)
    (void)printf ("%02x", match[i]);
  say ("", NULL);
  refusal = g_key_file_get_string (device, "device", "refuses", NULL);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "bs", (int)(refusal == NULL), refusal != NULL ? refusal : "");
  return r < 0 ? r : send_answer (user, device, answer, sd_bus_message_get_member (m));
}

/* Of the verbs that answer nothing; says the words that follow the first. */
static int
on_change (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  g_autoptr (sd_bus_message) answer = NULL;
  const char *word = NULL;
  int r = 0;

  if (device == NULL)
    return -EINVAL;
  while ((r = sd_bus_message_read (m, "s", &word)) > 0)
    say ("word", word);
  r = sd_bus_message_new_method_return (m, &answer);
  return r < 0 ? r : send_answer (user, device, answer, sd_bus_message_get_member (m));
}

/* One step of a walk; the stub knows no hops. @refusal: (nullable): errno's name */
static int
append_step (sd_bus_message *answer, const char *from, const char *to, const char *refusal)
{
  return sd_bus_message_append (answer, "(ssxss)", from, to, (gint64)1500, refusal != NULL ? refusal : "",
                                refusal != NULL ? from : to);
}

/* Goes where it is told to; the last step is refused where the device's file says so. */
static int
on_walk (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  g_autofree char *refusal = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  g_auto (GStrv) states = NULL;
  const char *at = "running";
  int r = 0;

  if (device == NULL || sd_bus_message_read_strv (m, &states) < 0)
    return -EINVAL;
  refusal = g_key_file_get_string (device, "device", "refuses", NULL);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "t", get_number (device, "flags"));
  if (r >= 0)
    r = sd_bus_message_open_container (answer, 'a', "(ssxss)");
  for (char **state = states; r >= 0 && *state != NULL; at = *state++)
    {
      say ("state", *state);
      r = append_step (answer, at, *state, state[1] == NULL ? refusal : NULL);
    }
  if (r >= 0)
    r = sd_bus_message_close_container (answer);
  return r < 0 ? r : send_answer (user, device, answer, sd_bus_message_get_member (m));
}

/* The device's file says what becomes of it: repaired, or else error-Repair. */
static int
on_repair (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  g_autoptr (GKeyFile) device = take_device (user, m, ret_error);
  g_autofree char *state = NULL;
  g_autofree char *repaired = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  const char *seen = NULL;
  int r = 0;

  if (device == NULL || sd_bus_message_read (m, "s", &seen) < 0)
    return -EINVAL;
  say ("seen", seen);
  state = g_key_file_get_string (device, "device", "state", NULL);
  repaired = g_key_file_get_string (device, "device", "repaired", NULL);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "ss", state, repaired != NULL ? repaired : "running");
  return r < 0 ? r : send_answer (user, device, answer, sd_bus_message_get_member (m));
}

static int
on_set_metadata (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *uuid = NULL, *xml = NULL;
  int r = sd_bus_message_read (m, "ss", &uuid, &xml);

  if (r < 0)
    return r;
  (void)printf ("SetMetadata %s %s\n", uuid, xml);
  (void)fflush (stdout);
  return sd_bus_reply_method_return (m, NULL);
}

/* (transfer full): an answer with what is in the file, if it is there */
static int
new_text_answer (const Stub *self, sd_bus_message *m, const char *name, const char *suffix,
                 sd_bus_message **ret_answer)
{
  g_autofree char *file = g_strconcat (name, suffix, NULL);
  g_autofree char *path = g_build_filename (self->directory, file, NULL);
  g_autofree char *text = NULL;
  gsize length = 0;
  int r = sd_bus_message_new_method_return (m, ret_answer);

  if (r < 0)
    return r;
  (void)g_file_get_contents (path, &text, &length, NULL);
  return sd_bus_message_append_array (*ret_answer, 'y', text != NULL ? text : "", length);
}

static int
on_evidence (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  g_autoptr (GKeyFile) device = take_device (self, m, ret_error);
  g_autoptr (sd_bus_message) answer = NULL;
  const char *address = NULL;
  int r = 0;

  if (device == NULL)
    return -EINVAL;
  r = sd_bus_message_rewind (m, TRUE);
  if (r >= 0)
    r = sd_bus_message_read (m, "s", &address);
  if (r >= 0)
    r = new_text_answer (self, m, address, ".evidence", &answer);
  return r < 0 ? r : send_answer (self, device, answer, sd_bus_message_get_member (m));
}

static int
on_read_log (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *name = NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  int r = sd_bus_message_read (m, "s", &name);

  if (r < 0)
    return r;
  say ("ReadLog", name);
  r = new_text_answer (user, m, name, ".log", &answer);
  return r < 0 ? r : sd_bus_send (NULL, answer, NULL);
}

/* ---- verbs on adopted devices ---- */

/* (nullable): the id of a device that is adopted; else the call has been answered */
static const char *
take_adopted (Stub *self, sd_bus_message *m, sd_bus_error *ret_error)
{
  const char *id = NULL;
  g_autoptr (GKeyFile) device = take_device (self, m, ret_error);

  if (device == NULL || sd_bus_message_rewind (m, TRUE) < 0 || sd_bus_message_read (m, "s", &id) < 0)
    return NULL;
  if (adopted_get_state (self->adopted, id) != NULL)
    return id;
  (void)sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("NotFound"), "“%s” is not adopted", id);
  return NULL;
}

static int
on_adopt (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  g_autoptr (GKeyFile) device = take_device (self, m, ret_error);
  g_autoptr (sd_bus_message) answer = NULL;
  g_autofree char *first = NULL;
  const char *id = NULL;
  int fd = -1, r = 0;

  if (device == NULL || sd_bus_message_rewind (m, TRUE) < 0 || sd_bus_message_read (m, "sh", &id, &fd) < 0)
    return -EINVAL;
  first = g_key_file_get_string (device, "device", "state", NULL);
  if (!adopted_add (self->adopted, id, first) && !g_key_file_get_boolean (device, "device", "same", NULL))
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Busy"), "“%s” is adopted already", id);
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "ttsb", get_number (device, "flags"), get_number (device, "size"),
                               adopted_get_state (self->adopted, id), FALSE);
  return r < 0 ? r : send_answer (self, device, answer, sd_bus_message_get_member (m));
}

static int
on_disown (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  const char *id = NULL;

  if (sd_bus_message_read (m, "s", &id) < 0)
    return -EINVAL;
  say ("Disown", id);
  if (!adopted_remove (self->adopted, id))
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("NotFound"), "“%s” is not adopted", id);
  return sd_bus_reply_method_return (m, NULL);
}

static int
on_step (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  gint64 asked_usec = g_get_monotonic_time ();
  const char *wanted = NULL;
  const char *id = take_adopted (self, m, ret_error);
  g_autoptr (GKeyFile) device = id != NULL ? load_device (self, id) : NULL;
  g_autoptr (sd_bus_message) answer = NULL;
  int r = 0;

  if (device == NULL || sd_bus_message_read (m, "s", &wanted) < 0)
    return -EINVAL;
  adopted_set_state (self->adopted, id, wanted);
  if (!is_held (device, "Step"))
    return slow_step (self->event, m, id, wanted, asked_usec, get_number (device, "arc"));
  r = sd_bus_message_new_method_return (m, &answer);
  if (r >= 0)
    r = sd_bus_message_append (answer, "ss", wanted, "");
  return r < 0 ? r : send_answer (self, device, answer, "Step");
}

static int
on_drain (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  int fd = -1, final = FALSE;
  const char *id = take_adopted (self, m, ret_error);
  g_autoptr (GKeyFile) device = id != NULL ? load_device (self, id) : NULL;

  if (device == NULL || sd_bus_message_read (m, "hb", &fd, &final) < 0)
    return -EINVAL;
  return final ? slow_drain (self->event, m, id, fd, get_number (device, "size"))
               : sd_bus_reply_method_return (m, "tb", (guint64)0, TRUE);
}

static int
on_fill (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  int fd = -1;
  const char *id = take_adopted (self, m, ret_error);

  if (id == NULL || sd_bus_message_read (m, "h", &fd) < 0)
    return -EINVAL;
  return slow_fill (self->event, m, id, fd);
}

static int
on_reset_adopted (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  const char *id = NULL;
  int r = sd_bus_message_read (m, "s", &id);

  if (r < 0)
    return r;
  say ("ResetAdopted", id);
  adopted_set_state (self->adopted, id, "running");
  return sd_bus_reply_method_return (m, NULL);
}

static int
on_state_of (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;
  const char *id = take_adopted (self, m, ret_error);

  return id == NULL ? -EINVAL : sd_bus_reply_method_return (m, "s", adopted_get_state (self->adopted, id));
}

static int
on_list_adopted (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Stub *self = user;

  say ("ListAdopted", NULL);
  return adopted_reply_list (self->adopted, m);
}

static const sd_bus_vtable vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD ("Probe", "su", "ttaysb", on_probe, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Peek", "s", "utsx", on_peek, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Save", "sh", "t", on_save, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Load", "sh", "t", on_load, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Walk", "sas", "ta(ssxss)", on_walk, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Reset", "s", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("ResetHeld", "s", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Abort", "s", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Trial", "say", "bs", on_trial, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Bind", "ss", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("CreateMdev", "sss", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("RemoveMdev", "s", NULL, on_change, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Repair", "ss", "ss", on_repair, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Evidence", "s", "ay", on_evidence, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("SetMetadata", "ss", NULL, on_set_metadata, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("ReadLog", "s", "ay", on_read_log, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Adopt", "sh", "ttsb", on_adopt, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Disown", "s", NULL, on_disown, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Step", "ss", "ss", on_step, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Drain", "shb", "tb", on_drain, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Fill", "sh", "ts", on_fill, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("ResetAdopted", "s", NULL, on_reset_adopted, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("StateOf", "s", "s", on_state_of, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("ListAdopted", NULL, "a(ss)", on_list_adopted, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_SIGNAL ("QemuEvent", "sssxs", 0),
  SD_BUS_SIGNAL ("QemuGap", "s", 0),
  SD_BUS_VTABLE_END,
};

/* ---- standard input ---- */

static void
release_held (Stub *self)
{
  for (guint i = 0; i < self->held->len; i++)
    (void)sd_bus_send (NULL, self->held->pdata[i], NULL);
  g_ptr_array_set_size (self->held, 0);
}

static void
emit_event (Stub *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", EVENT_WORDS);
  gint64 now = g_get_monotonic_time ();

  if (self->peer == NULL || g_strv_length (words) < EVENT_WORDS)
    return;
  (void)sd_bus_emit_signal (self->peer, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuEvent", "sssxs",
                            words[1], words[2], words[3], g_ascii_strtoll (words[4], NULL, 10), words[5]);
  (void)printf ("told %s %s %" G_GINT64_FORMAT "\n", words[1], words[3], now);
  (void)fflush (stdout);
}

static int
on_input (sd_event_source *source, int fd, uint32_t revents, void *user)
{
  Stub *self = user;
  char line[4096];

  if (fgets (line, sizeof line, stdin) == NULL)
    return sd_event_exit (self->event, 0); /* whoever started us is gone */
  g_strchomp (line);
  if (g_str_equal (line, "release"))
    release_held (self);
  else if (g_str_has_prefix (line, "event "))
    emit_event (self, line);
  else if (g_str_has_prefix (line, "gap") && self->peer != NULL)
    (void)sd_bus_emit_signal (self->peer, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuGap", "s",
                              g_strchug (line + strlen ("gap")));
  return 0;
}

/* ---- the socket ---- */

static int
on_connection (sd_event_source *source, int fd, uint32_t revents, void *user)
{
  Stub *self = user;
  int peer = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  sd_id128_t id = SD_ID128_NULL;
  int r = peer < 0 ? -errno : sd_id128_randomize (&id);

  g_clear_pointer (&self->peer, sd_bus_close_unref);
  if (r >= 0)
    r = sd_bus_new (&self->peer);
  if (r >= 0)
    r = sd_bus_set_fd (self->peer, peer, peer);
  if (r >= 0)
    r = sd_bus_set_server (self->peer, TRUE, id);
  if (r >= 0)
    r = sd_bus_negotiate_fds (self->peer, TRUE);
  if (r >= 0)
    r = sd_bus_add_object_vtable (self->peer, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, vtable, self);
  if (r >= 0)
    r = sd_bus_start (self->peer);
  return r < 0 ? r : sd_bus_attach_event (self->peer, self->event, 0);
}

static int
listen_at (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  (void)g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  (void)unlink (path);
  if (fd < 0 || bind (fd, (struct sockaddr *)&address, sizeof address) < 0 || listen (fd, 4) < 0)
    return -errno;
  return fd;
}

int
main (int argc, char **argv)
{
  Stub self = { 0 };
  int fd = -1, r = 0;

  if (argc != 3)
    {
      (void)fprintf (stderr, "usage: %s SOCKET DIRECTORY\n", argv[0]);
      return 2;
    }
  (void)signal (SIGPIPE, SIG_IGN);        /* of streams */
  (void)setvbuf (stdin, NULL, _IONBF, 0); /* what lay in a buffer would not wake the loop */
  self.directory = argv[2];
  self.held = g_ptr_array_new_with_free_func (message_free);
  self.adopted = adopted_new ();
  fd = listen_at (argv[1]);
  r = fd < 0 ? fd : sd_event_new (&self.event);
  if (r >= 0)
    r = sd_event_add_io (self.event, NULL, fd, G_IO_IN, on_connection, &self);
  if (r >= 0)
    r = sd_event_add_io (self.event, NULL, STDIN_FILENO, G_IO_IN, on_input, &self);
  say (r < 0 ? g_strerror (-r) : "ready", NULL);
  return r < 0 ? 1 : sd_event_loop (self.event);
}
