// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fsm-walk: hold accmig's state machine against the kernel's
 *
 * For every state a device can be in and every number that can be asked for, the real device is put into the
 * one and asked for the other. What the kernel does, the state it ends in, whether it hands out a data fd
 * and, for a device under migsim, each arc on the way, must be what accmig_fsm_path() says. So must its
 * refusals.
 *
 * The requests go to the kernel directly, since the library would not make those it knows to be refused. One
 * kind is left out unless asked for: stop-copy back to pre-copy, which kernels without the fix answer with an
 * endless loop.
 *
 * The device's contents are lost. Nobody else may have it open.
 */

#include <accmig/device.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device-private.h"
#include "fd-private.h"
#include "vfio-uapi.h"

#define BEYOND (ACCMIG_N_STATES + 1) /* also asked for: the first number that is no state */

typedef struct
{
  AccmigDevice *device;
  guint64 flags;
  char *stream; /* a valid one, to leave resuming with */
  gsize stream_length;
  char *arcs_path; /* NULL: arcs cannot be seen */
  gboolean ask_blocked;
  guint n_passed;
  guint n_failed;
  guint n_skipped;
} Walk;

/* What happened, or what should: both as one line of text, so that comparing and printing are the same. */
typedef struct
{
  int number; /* errno, 0 */
  AccmigState end;
  gboolean has_fd;
  char *arcs; /* "running>running-p2p …", NULL: not seen */
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->arcs, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static int
ask_kernel (Walk *walk, guint state, int *ret_data_fd)
{
  struct uapi_feature_state request = {
    .argsz = sizeof request,
    .flags = UAPI_FEATURE_SET | UAPI_FEATURE_MIG_DEVICE_STATE,
    .device_state = state,
    .data_fd = -1,
  };

  if (ioctl (device_get_fd (walk->device), UAPI_DEVICE_FEATURE, &request) < 0)
    return errno;
  *ret_data_fd = request.data_fd;
  return 0;
}

/* Reset, and then to @state. Resuming is given a whole stream, without which it cannot be left. */
static gboolean
put_into (Walk *walk, AccmigState state, int *ret_data_fd, GError **error)
{
  if (!accmig_device_reset (walk->device, error)
      || !accmig_device_set_state (walk->device, state, ret_data_fd, error))
    return FALSE;
  if (state != ACCMIG_STATE_RESUMING)
    return TRUE;
  if (write (*ret_data_fd, walk->stream, walk->stream_length) == (ssize_t)walk->stream_length)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot give the device its own stream: %s",
               g_strerror (errno));
  return FALSE;
}

static gboolean
clear_arcs (Walk *walk, GError **error)
{
  g_auto (AutoFd) fd = -1;

  if (walk->arcs_path == NULL)
    return TRUE;
  fd = open (walk->arcs_path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write (fd, "\n", 1) == 1)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot clear %s: %s", walk->arcs_path,
               g_strerror (errno));
  return FALSE;
}

/* (transfer full) (nullable): the value of @key in a line of "key=value key=value". */
static char *
get_value (const char *line, const char *key)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autofree char *start = g_strconcat (key, "=", NULL);

  for (char **word = words; *word != NULL; word++)
    if (g_str_has_prefix (*word, start))
      return g_strdup (*word + strlen (start));
  return NULL;
}

static char *
read_arcs (Walk *walk, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) arcs = g_string_new (NULL);

  if (!g_file_get_contents (walk->arcs_path, &text, NULL, error))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *via = get_value (*line, "via");
      g_autofree char *from = get_value (*line, "from");
      g_autofree char *to = get_value (*line, "to");

      if (g_strcmp0 (via, "arc") == 0)
        g_string_append_printf (arcs, " %s>%s", from, to);
    }
  return g_strdup (arcs->str);
}

static Outcome
predict (const Walk *walk, AccmigState from, AccmigState to)
{
  AccmigState path[ACCMIG_FSM_MAX_PATH], at = from;
  Outcome outcome = { .number = EINVAL, .end = from };
  g_autoptr (GString) arcs = g_string_new (NULL);
  gsize length = 0;

  if (accmig_fsm_path (walk->flags, from, to, path, &length, NULL))
    outcome.number = 0;
  for (gsize i = 0; i < length; i++)
    {
      g_string_append_printf (arcs, " %s>%s", accmig_state_to_string (at), accmig_state_to_string (path[i]));
      outcome.has_fd = accmig_fsm_arc_opens_stream (at, path[i]);
      at = path[i];
    }
  outcome.end = at;
  outcome.arcs = walk->arcs_path != NULL ? g_strdup (arcs->str) : NULL;
  return outcome;
}

static gboolean
observe (Walk *walk, AccmigState from, AccmigState to, Outcome *outcome, GError **error)
{
  g_auto (AutoFd) old_fd = -1;
  g_auto (AutoFd) new_fd = -1;

  if (!put_into (walk, from, &old_fd, error) || !clear_arcs (walk, error))
    return FALSE;
  outcome->number = ask_kernel (walk, to, &new_fd);
  outcome->has_fd = new_fd >= 0;
  if (!accmig_device_get_state (walk->device, &outcome->end, error))
    return FALSE;
  if (walk->arcs_path != NULL)
    outcome->arcs = read_arcs (walk, error);
  return walk->arcs_path == NULL || outcome->arcs != NULL;
}

static char *
describe (const Outcome *outcome)
{
  return g_strdup_printf ("%s, in %s, %s%s%s", outcome->number == 0 ? "done" : g_strerror (outcome->number),
                          accmig_state_to_string (outcome->end), outcome->has_fd ? "data fd" : "no data fd",
                          outcome->arcs != NULL ? ", arcs:" : "", outcome->arcs != NULL ? outcome->arcs : "");
}

/* Stop-copy back into pre-copy. */
static gboolean
is_blocked (AccmigState from, AccmigState to)
{
  return from == ACCMIG_STATE_STOP_COPY && (to == ACCMIG_STATE_PRE_COPY || to == ACCMIG_STATE_PRE_COPY_P2P);
}

static void
check_pair (Walk *walk, AccmigState from, AccmigState to)
{
  g_auto (Outcome) wanted = predict (walk, from, to);
  g_auto (Outcome) found = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *wanted_text = describe (&wanted);
  g_autofree char *found_text = NULL;

  if (is_blocked (from, to) && accmig_fsm_has_state (walk->flags, to) && !walk->ask_blocked)
    {
      walk->n_skipped++;
      return;
    }
  found_text = observe (walk, from, to, &found, &error) ? describe (&found) : g_strdup (error->message);
  if (strcmp (wanted_text, found_text) == 0)
    {
      walk->n_passed++;
      return;
    }
  walk->n_failed++;
  printf ("%s to %s (%d): kernel: %s; accmig: %s\n", accmig_state_to_string (from),
          accmig_state_to_string (to), (int)to, found_text, wanted_text);
}

static void
walk_all (Walk *walk)
{
  for (guint from = ACCMIG_STATE_STOP; from < ACCMIG_N_STATES; from++)
    for (guint to = 0; to < BEYOND && accmig_fsm_has_state (walk->flags, from); to++)
      check_pair (walk, from, to);
}

/* A stream of the device's own. */
static gboolean
fetch_stream (Walk *walk, GError **error)
{
  g_auto (AutoFd) file = memfd_create ("stream", MFD_CLOEXEC);
  guint64 length;

  if (!accmig_device_save (walk->device, file, -1, &length, error))
    return FALSE;
  walk->stream = g_malloc (length + 1);
  walk->stream_length = length;
  if (pread (file, walk->stream, length, 0) == (ssize_t)length)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot read back the stream: %s", g_strerror (errno));
  return FALSE;
}

static gboolean
prepare (Walk *walk, const char *address, AccmigAccess access, GError **error)
{
  g_auto (AutoFd) sysfs = open ("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  walk->device = accmig_device_open (sysfs, address, access, error);
  if (walk->device == NULL || !accmig_device_get_flags (walk->device, &walk->flags, error)
      || !accmig_device_reset (walk->device, error) || !fetch_stream (walk, error))
    return FALSE;
  walk->arcs_path = g_strdup_printf ("/sys/kernel/debug/migsim/%s/arcs", address);
  if (g_file_test (walk->arcs_path, G_FILE_TEST_EXISTS))
    return TRUE;
  g_clear_pointer (&walk->arcs_path, g_free);
  return TRUE;
}

static gboolean
parse_access (const char *name, AccmigAccess *ret_access)
{
  static const char *const names[] = {
    [ACCMIG_ACCESS_AUTO] = "auto",
    [ACCMIG_ACCESS_GROUP] = "group",
    [ACCMIG_ACCESS_CDEV] = "cdev",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (name, names[i]) == 0)
      {
        *ret_access = (AccmigAccess)i;
        return TRUE;
      }
  return FALSE;
}

static void
walk_clear (Walk *walk)
{
  accmig_device_close (walk->device);
  g_free (walk->stream);
  g_free (walk->arcs_path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static int
run (const char *address, AccmigAccess access, gboolean ask_blocked)
{
  g_auto (Walk) walk = { .ask_blocked = ask_blocked };
  g_autoptr (GError) error = NULL;
  g_autofree char *offered = NULL;

  if (!prepare (&walk, address, access, &error))
    {
      fprintf (stderr, "fsm-walk: %s\n", error->message);
      return EXIT_FAILURE;
    }
  offered = accmig_flags_to_string (walk.flags);
  printf ("%s offers %s, opened by %s; arcs are %s\n", address, offered,
          accmig_device_get_access (walk.device) == ACCMIG_ACCESS_CDEV ? "cdev" : "group",
          walk.arcs_path != NULL ? "compared" : "not seen");
  walk_all (&walk);
  if (walk.n_skipped > 0)
    printf ("%u not asked (see --ask-blocked)\n", walk.n_skipped);
  if (!accmig_device_reset (walk.device, &error))
    fprintf (stderr, "fsm-walk: %s\n", error->message);
  printf ("%u passed, %u failed\n", walk.n_passed, walk.n_failed);
  return walk.n_failed == 0 && walk.n_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  g_autofree char *access_name = NULL;
  gboolean ask_blocked = FALSE;
  const GOptionEntry options[] = {
    { "access", 0, 0, G_OPTION_ARG_STRING, &access_name, "How to open the device: auto, group or cdev",
      "HOW" },
    { "ask-blocked", 0, 0, G_OPTION_ARG_NONE, &ask_blocked,
      "Also ask for stop-copy to pre-copy; hangs the CPU on kernels without the fix", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("ADDRESS");
  g_autoptr (GError) error = NULL;
  AccmigAccess access;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "fsm-walk: %s\n", error->message);
      return 2;
    }
  if (argc != 2 || !parse_access (access_name != NULL ? access_name : "auto", &access))
    {
      fprintf (stderr, "usage: fsm-walk [--access auto|group|cdev] [--ask-blocked] ADDRESS\n");
      return 2;
    }
  return run (argv[1], access, ask_blocked);
}
