// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 50-accmig: libvirt's hook
 *
 * libvirt calls it as root with a domain's name, what is being done with it, and its XML on standard input,
 * and waits without a limit, often with the domain locked. So it decides from its arguments whether it is
 * concerned at all, looks whether the XML has a host device, asks the agent one question, and leaves. It
 * calls nobody else, starts nothing, and is gone before its time is up whatever happens.
 *
 * "migrate begin" has an answer that matters; it comes first of all on a migration's destination, before
 * anything is touched. A refusal is one line on standard error, which libvirt passes on to whoever asked for
 * the migration; XML on standard output replaces the one that came. What happens when the agent cannot be
 * asked is the operator's choice, gate.on-agent-failure.
 *
 * "prepare begin" comes before every start of a guest, before its devices are touched. The agent may object,
 * because a device is promised to another guest; an agent that does not answer does not.
 *
 * For the other operations the agent is told, so that it knows where a guest stands, and the hook succeeds in
 * any case; a failure would stop a guest, or kill it ("reconnect"). It does not wait long for that, except in
 * "start begin" with gate.probe-at-start: there the agent opens the guest's devices, and QEMU cannot open one
 * that is open. Words that are not in the table, also those that libvirt may invent, succeed at once.
 */

#include "gate-bus.h"
#include "input.h"
#include "common/names.h"
#include "common/settings.h"
#include "common/text.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define INFORM_MAX_SECONDS                                                                                   \
  3                       /* telling the agent is a courtesy; a guest's start does not wait longer for it */
#define GRACE_USEC 500000 /* after the deadline, for what waits where no deadline can be given */

/* libvirt's arguments. */
typedef struct
{
  const char *domain;
  const char *operation;
  const char *suboperation;
  const char *extra;
} Arguments;

/* What the agent's answer means. */
typedef enum
{
  CALL_INFORMS, /* nothing */
  CALL_WAITS,   /* nothing, but the agent may open the guest's devices first, if the operator wants that */
  CALL_OBJECTS, /* no is no; without an answer it goes on */
  CALL_DECIDES, /* an answer is needed */
} CallKind;

static const struct
{
  const char *operation;
  const char *suboperation;
  CallKind kind;
} calls[] = {
  { "migrate", "begin", CALL_DECIDES }, { "prepare", "begin", CALL_OBJECTS },
  { "start", "begin", CALL_WAITS },     { "started", "begin", CALL_INFORMS },
  { "stopped", "end", CALL_INFORMS },   { "release", "end", CALL_INFORMS },
};

static gboolean
is_concerned (const Arguments *arguments, CallKind *ret_kind)
{
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    if (g_str_equal (calls[i].operation, arguments->operation)
        && g_str_equal (calls[i].suboperation, arguments->suboperation))
      {
        *ret_kind = calls[i].kind;
        return TRUE;
      }
  return FALSE;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The two ways out for a hook that hangs where it has no deadline, in writing to the journal or to standard
 * error. */
static void
on_overdue_accept (int number)
{
  _exit (0);
}

static void
on_overdue_refuse (int number)
{
  _exit (1);
}

static void
set_backstop (gint64 deadline, gboolean accept)
{
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0) + GRACE_USEC;
  struct itimerval timer = { .it_value = { .tv_sec = left / G_USEC_PER_SEC,
                                           .tv_usec = left % G_USEC_PER_SEC } };

  (void)signal (SIGALRM, accept ? on_overdue_accept : on_overdue_refuse);
  (void)setitimer (ITIMER_REAL, &timer, NULL);
}

/* Returns: (transfer full): @text as one line of valid UTF-8 */
static char *
one_line (const char *text)
{
  char *line = g_utf8_make_valid (text, -1);

  text_make_printable (g_strchomp (line));
  return line;
}

/* @line: complete, with what it begins with. Returns: the exit status */
static int
refuse (const char *line)
{
  g_autofree char *clean = one_line (line);
  g_autofree char *text = g_strconcat (clean, "\n", NULL);

  (void)signal (SIGALRM, on_overdue_refuse); /* a refusal stays one, also when nobody takes the line */
  (void)!write (STDERR_FILENO, text, strlen (text));
  return 1;
}

static int
refuse_because (const Arguments *arguments, const char *cause)
{
  g_autofree char *line = g_strdup_printf ("accmig: refused %s: %s", arguments->domain, cause);

  return refuse (line);
}

/* The agent was not asked or did not answer: the operator's policy decides. */
static int
decide_alone (const Arguments *arguments, const char *cause, gboolean accept)
{
  g_autofree char *line = g_strdup_printf ("%s [gate.on-agent-failure]", cause);
  g_autofree char *clean = one_line (line);
  g_autofree char *domain = one_line (arguments->domain);

  if (!accept)
    return refuse_because (arguments, line);
  sd_journal_send ("MESSAGE=“%s” let in unchecked: %s", domain, clean, "PRIORITY=%i", LOG_WARNING,
                   ACCMIG_FIELD_DOMAIN "=%s", domain, "SYSLOG_IDENTIFIER=50-accmig", NULL);
  return 0;
}

/* ---- the kinds of call ------------------------------------------------------------------------ */

static gboolean
ask (const Arguments *arguments, const GByteArray *xml, gint64 deadline, GateAnswer *ret_answer,
     char **ret_cause)
{
  GateQuestion question = {
    .domain = arguments->domain,
    .operation = arguments->operation,
    .suboperation = arguments->suboperation,
    .extra = arguments->extra,
    .xml = xml,
  };

  return gate_ask (&question, deadline, ret_answer, ret_cause);
}

static int
pass_on (const Arguments *arguments, const GateAnswer *answer, gint64 deadline)
{
  if (!answer->allowed && answer->message[0] == '\0')
    return refuse_because (arguments, "the agent gave no reason");
  if (!answer->allowed)
    return refuse (answer->message);
  if (!output_write (STDOUT_FILENO, deadline, answer->new_xml->data, answer->new_xml->len))
    return refuse_because (arguments, "libvirt did not take the changed XML");
  return 0;
}

static int
decide (const Arguments *arguments, gint64 deadline, gboolean accept)
{
  g_autoptr (GByteArray) xml = NULL;
  g_auto (GateAnswer) answer = { 0 };
  g_autofree char *cause = NULL;
  g_autofree char *sentence = NULL;

  if (!input_read (STDIN_FILENO, deadline, &xml, &cause))
    return decide_alone (arguments, cause, accept);
  if (xml->len <= INPUT_READ_SIZE && !input_has_device (xml))
    return 0;
  if (xml->len > INPUT_MAX_SIZE)
    {
      sentence = g_strdup_printf ("the domain XML has more than %d bytes", INPUT_MAX_SIZE);
      return refuse_because (arguments, sentence);
    }
  if (!ask (arguments, xml, deadline, &answer, &cause))
    {
      sentence = g_strdup_printf ("agent does not answer: %s", cause);
      return decide_alone (arguments, sentence, accept);
    }
  return pass_on (arguments, &answer, deadline);
}

/* Returns: the exit status, not 0 only for what @may_object */
static int
inform (const Arguments *arguments, gint64 deadline, gboolean may_object)
{
  g_autoptr (GByteArray) xml = NULL;
  g_auto (GateAnswer) answer = { 0 };
  g_autofree char *cause = NULL;

  if (!input_read (STDIN_FILENO, deadline, &xml, &cause) || xml->len > INPUT_MAX_SIZE
      || !input_has_device (xml))
    return 0;
  if (!ask (arguments, xml, deadline, &answer, &cause) || answer.allowed || !may_object)
    return 0;
  return pass_on (arguments, &answer, deadline);
}

/* Returns: seconds the call may take */
static gint64
get_limit (const Settings *settings, CallKind kind)
{
  guint limit = settings_get_number (settings, SETTING_HOOK_TIMEOUT);
  gboolean opens = kind == CALL_WAITS && settings_get_choice (settings, SETTING_PROBE_AT_START) != 0;

  return kind == CALL_DECIDES || opens ? limit : MIN (limit, INFORM_MAX_SECONDS);
}

int
main (int argc, char **argv)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (Settings) settings = NULL;
  Arguments arguments;
  CallKind kind;
  gboolean accept;
  gint64 seconds;

  if (argc < 4)
    return 0;
  arguments = (Arguments){ argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "-" };
  if (!is_concerned (&arguments, &kind))
    return 0;

  settings = settings_load (NULL);
  seconds = get_limit (settings, kind);
  accept = kind != CALL_DECIDES || settings_is_accept (settings, SETTING_ON_AGENT_FAILURE);
  (void)signal (SIGPIPE,
                SIG_IGN); /* libvirt may close its ends first; that is an error of write(), not our death */
  set_backstop (start + seconds * G_USEC_PER_SEC, accept);
  if (kind == CALL_DECIDES)
    return decide (&arguments, start + seconds * G_USEC_PER_SEC, accept);
  return inform (&arguments, start + seconds * G_USEC_PER_SEC, kind == CALL_OBJECTS);
}
