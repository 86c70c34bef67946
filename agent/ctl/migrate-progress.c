// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Progress of a migration
 *
 * The phases are read off libvirt's job and the guest's own state. The rate is of the last seconds: the
 * guest's own changes decide how long it takes, and they do not care for an average since the beginning.
 */

#include "migrate-progress.h"

#include <stdio.h>
#include <unistd.h>

#include "text.h"

#define CLEAR_LINE  "\r\033[K"
#define RATE_USEC   (2 * G_USEC_PER_SEC)  /* how much time a rate is of */
#define REPEAT_USEC (10 * G_USEC_PER_SEC) /* between two lines of one phase, where there is no terminal */
#define NOT_PRINTED ((ProgressPhase)-1)

struct _Progress
{
  char *name;
  gboolean paused;
  gboolean terminal;
  gboolean shown; /* there is a line on the terminal */
  ProgressPhase phase;
  ProgressPhase printed; /* where there is no terminal: the phase of the last line */
  gint64 printed_usec;
  gint64 sample_usec, sample_bytes; /* what the next rate is reckoned from */
  double rate;                      /* bytes/s; 0 until known */
  gint64 started_usec;
};

static const char *const phases[] = {
  [PROGRESS_PREPARING] = "preparing",
  [PROGRESS_COPYING] = "copying",
  [PROGRESS_SWITCHING] = "switching",
};

Progress *
progress_new (const char *name, gboolean paused)
{
  Progress *self = g_new0 (Progress, 1);

  self->name = text_clean (name);
  self->paused = paused;
  self->terminal = isatty (STDERR_FILENO);
  self->printed = NOT_PRINTED;
  self->started_usec = g_get_monotonic_time ();
  return self;
}

void
progress_free (Progress *self)
{
  if (self == NULL)
    return;
  progress_end (self);
  g_free (self->name);
  g_free (self);
}

void
progress_end (Progress *self)
{
  if (self->shown)
    fputs (CLEAR_LINE, stderr);
  self->shown = FALSE;
}

void
progress_note (Progress *self, const char *text)
{
  g_autofree char *clean = text_clean (text);

  progress_end (self);
  fprintf (stderr, "%s: %s\n", self->name, clean);
}

/* ---- reading ---- */

/* Phases do not go back: libvirt's job is gone for a moment between copying and the end. */
static ProgressPhase
phase_of (const Progress *self, const MoveLook *look)
{
  ProgressPhase phase = self->phase;

  if (look->job.active && look->job.data_total > 0)
    phase = MAX (phase, PROGRESS_COPYING);
  if (phase == PROGRESS_COPYING && look->state == HYPERVISOR_DOMAIN_PAUSED && !self->paused)
    phase = PROGRESS_SWITCHING;
  return phase;
}

static void
measure (Progress *self, gint64 bytes)
{
  gint64 now = g_get_monotonic_time ();
  gint64 passed = now - self->sample_usec;

  if (bytes < 0 || (self->sample_usec > 0 && passed < RATE_USEC))
    return;
  if (self->sample_usec > 0)
    self->rate = (double)MAX (bytes - self->sample_bytes, 0) * G_USEC_PER_SEC / (double)passed;
  self->sample_usec = now;
  self->sample_bytes = bytes;
}

/* ---- printing ---- */

static void
append_bytes (GString *line, const Progress *self, const HypervisorJob *job)
{
  g_autofree char *done = text_bytes ((guint64)MAX (job->data_processed, 0));
  g_autofree char *left = text_bytes ((guint64)MAX (job->data_remaining, 0));
  g_autofree char *rate = text_bytes ((guint64)self->rate);

  g_string_append_printf (line, ", %s sent, %s left", done, left);
  if (self->rate > 0)
    g_string_append_printf (line, ", %s/s", rate);
  if (job->iteration > 0)
    g_string_append_printf (line, ", pass %" G_GINT64_FORMAT, job->iteration);
  if (job->downtime_ms > 0)
    g_string_append_printf (line, ", downtime about %" G_GINT64_FORMAT " ms", job->downtime_ms);
}

/* (transfer full) */
static char *
format_line (const Progress *self, const HypervisorJob *job)
{
  GString *line = g_string_new (self->name);
  gint64 passed = g_get_monotonic_time () - self->started_usec;

  g_string_append_printf (line, ": %s, %" G_GINT64_FORMAT " s", phases[self->phase], passed / G_USEC_PER_SEC);
  if (self->phase != PROGRESS_PREPARING && job->data_processed >= 0)
    append_bytes (line, self, job);
  return g_string_free (line, FALSE);
}

static void
print_on_terminal (Progress *self, const char *line)
{
  guint columns = text_columns ();
  g_autofree char *cut = columns > 0 ? text_cut (line, columns - 1) : g_strdup (line);

  fprintf (stderr, CLEAR_LINE "%s", cut);
  self->shown = TRUE;
}

static void
print_in_log (Progress *self, const char *line)
{
  gint64 now = g_get_monotonic_time ();

  if (self->phase == self->printed && now - self->printed_usec < REPEAT_USEC)
    return;
  fprintf (stderr, "%s\n", line);
  self->printed = self->phase;
  self->printed_usec = now;
}

ProgressPhase
progress_update (Progress *self, const MoveLook *look)
{
  g_autofree char *line = NULL;

  self->phase = phase_of (self, look);
  if (look->job.active)
    measure (self, look->job.data_processed);
  line = format_line (self, &look->job);
  if (self->terminal)
    print_on_terminal (self, line);
  else
    print_in_log (self, line);
  return self->phase;
}
