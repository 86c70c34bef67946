// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl: the command line
 *
 * An ordinary client of org.accmig1. One table has the verbs, one the options; a verb is a file of its own.
 * Options may stand before or after the verb. What went wrong is said in one line on the standard error.
 */

#include "call.h"

#include <accmig/families.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "text.h"

/* The options that not every verb takes. */
typedef enum
{
  OPTION_HOST = 1 << 0,
  OPTION_TO = 1 << 1,
  OPTION_PEER = 1 << 2,
  OPTION_LIMIT = 1 << 3,
  OPTION_MANAGED = 1 << 4,
  OPTION_FORCE = 1 << 5,
  OPTION_UNTIL_END = 1 << 6,
  OPTION_JSON = 1 << 7,
  OPTION_TRIAL = 1 << 8,
  OPTION_OUTPUT = 1 << 9,
  OPTION_COMPUTE_NODE = 1 << 10,
  OPTION_PROVIDER = 1 << 11,
  OPTION_HOST_PROFILE = 1 << 12,
  OPTION_YES = 1 << 13,
  OPTION_FLAGS = 1 << 14,
  OPTION_AGAINST = 1 << 15,
  OPTION_HERE = 1 << 16,
  OPTION_MAX_DOWNTIME = 1 << 20,
  OPTION_BANDWIDTH = 1 << 21,
  OPTION_PARALLEL = 1 << 22,
  OPTION_TIMEOUT = 1 << 23,
} Option;

#define OPTIONS_ASK (OPTION_HOST | OPTION_JSON)
#define OPTIONS_MIGRATE                                                                                      \
  (OPTION_JSON | OPTION_TO | OPTION_TRIAL | OPTION_MAX_DOWNTIME | OPTION_BANDWIDTH | OPTION_PARALLEL         \
   | OPTION_TIMEOUT)
#define OPTIONS_INSPECT (OPTION_JSON | OPTION_HOST | OPTION_AGAINST | OPTION_HERE)
#define OPTIONS_NOVA    (OPTION_OUTPUT | OPTION_COMPUTE_NODE | OPTION_PROVIDER | OPTION_HOST_PROFILE)

/* clang-format off */
static const struct {
  Option option;
  const char *name; /* as in the table that GOption reads */
  const char *help;
} options[] = {
  { OPTION_JSON,      "json",      "    --json             Print one JSON document (monitor: one on each line)" },
  { OPTION_HOST,      "host",      "-H, --host=[USER@]HOST Ask the agent of another host, over ssh" },
  { OPTION_TO,        "to",        "    --to=[USER@]HOST,… Hold the guest's devices against those of this host; several are ranked" },
  { OPTION_TRIAL,     "trial",     "    --trial            With --to: ask the drivers there, too; resets the free devices" },
  { OPTION_PEER,      "peer",      "    --peer=[USER@]HOST Join with what this other host recorded of the move" },
  { OPTION_LIMIT,     "limit",     "    --limit=N          How many, 1 to 1000 (20)" },
  { OPTION_MANAGED,   "managed",   "    --managed          libvirt binds the target's driver itself (managed='yes')" },
  { OPTION_FORCE,     "force",     "    --force            save: overwrite the file; load: send what inspect refuses" },
  { OPTION_FLAGS,     "flags",     "    --flags=FLAGS      What the device offers (stop-copy+p2p+pre-copy)" },
  { OPTION_AGAINST,   "against",   "    --against=FILE     Hold the stream against the devices whose profiles are in this file; may be repeated" },
  { OPTION_HERE,      "here",      "    --here             Hold the stream against the devices of this host, or of the one of -H" },
  { OPTION_YES,       "yes",       "    --yes              Do not ask whether the device's contents may be lost" },
  { OPTION_UNTIL_END, "until-end", "    --until-end        End when a migration that was watched has ended" },
  { OPTION_OUTPUT,       "output",       "    --output=FILE      Write to this file, *.yaml in Nova's directory, instead of the standard output" },
  { OPTION_COMPUTE_NODE, "compute-node", "    --compute-node=UUID The traits are this compute node's, instead of $COMPUTE_NODE's" },
  { OPTION_PROVIDER,     "provider",     "    --provider=NAME    The traits are those of the resource provider of this name" },
  { OPTION_MAX_DOWNTIME, "max-downtime", "    --max-downtime=MS  How long the guest may stand still, in ms; libvirt's is 300" },
  { OPTION_BANDWIDTH,    "bandwidth",    "    --bandwidth=MIB    How much may be sent, in MiB/s" },
  { OPTION_PARALLEL,     "parallel",     "    --parallel=N       Copy over N connections at once, 1 to 255" },
  { OPTION_TIMEOUT,      "timeout",      "    --timeout=S        End the migration when the guest has not arrived after S seconds (3600)" },
  { OPTION_HOST_PROFILE, "host-profile", "    --host-profile=FILE The host's own profiles, instead of its agent's; may be repeated" },
};

typedef struct {
  const char *name; /* one or two words */
  const char *arguments;
  guint min, max; /* how many arguments */
  guint options;
  VerbFunction run;
  const char *help;
  gboolean hidden; /* no person calls it */
} Verb;

static const Verb verbs[] = {
  { "devices",       "",                  0, 0, OPTIONS_ASK,                    devices_run,       "What could be given to a guest, and who has it" },
  { "profile",       "ADDRESS",           1, 1, OPTIONS_ASK,                    profile_run,       "What one device is and can take" },
  { "compare",       "SOURCE TARGET",     2, 2, OPTION_JSON | OPTION_MANAGED,   compare_run,       "Hold two profiles from files against each other" },
  { "check",         "DOMAIN",            1, 1, OPTIONS_ASK | OPTION_TO | OPTION_TRIAL, check_run,         "Whether a running guest can be migrated" },
  { "fleet baseline", "DIR|HOSTS",        1, 1, OPTION_JSON,                    fleet_baseline_run, "What each host lacks to join the largest class" },
  { "fleet",         "DIR|HOSTS",         1, 1, OPTION_JSON,                    fleet_run,         "Which hosts can exchange guests, from many profiles" },
  { "nova-provider", "DIR|HOSTS",         1, 1, OPTIONS_ASK | OPTIONS_NOVA,     nova_provider_run, "Write this host's classes as traits for OpenStack Nova" },
  { "family list",   "",                  0, 0, OPTION_JSON,                    family_list_run,   "The driver families whose devices are known here" },
  { "family show",   "NAME",              1, 1, OPTION_JSON,                    family_show_run,   "What one family's profiles and rules are" },
  { "family check",  "FILE",              1, 1, OPTION_JSON,                    family_check_run,  "Whether a family file is right, and where not" },
  { "migrate",       "DOMAIN DESTURI",    2, 2, OPTIONS_MIGRATE,                migrate_run,       "Check whether a running guest can move, and move it" },
  { "receive",       "",                  0, 0, 0,                              receive_run,       "Take a device's state from accmigctl migrate of another host", TRUE },
  { "migrations",    "",                  0, 0, OPTIONS_ASK | OPTION_LIMIT,     migrations_run,    "What was migrated, newest first" },
  { "show",          "[ID]",              0, 1, OPTIONS_ASK | OPTION_PEER,      show_run,          "One migration, the newest without ID: downtime and outages" },
  { "alarms",        "",                  0, 0, OPTIONS_ASK,                    alarms_run,        "What went wrong with guests' devices and nobody else reports" },
  { "monitor",       "",                  0, 0, OPTIONS_ASK | OPTION_UNTIL_END, monitor_run,       "Follow migrations while they run" },
  { "state get",     "ADDRESS",           1, 1, OPTIONS_ASK,                    state_get_run,     "The migration state of a device; resets a free one" },
  { "state set",     "ADDRESS STATE…",    2, 33, OPTIONS_ASK,                   state_set_run,     "Take a free or registered device through states, and see what its driver does" },
  { "state path",    "FROM TO",           2, 2, OPTION_JSON | OPTION_FLAGS,     state_path_run,    "Which way the kernel goes from one state to another" },
  { "state save",    "ADDRESS FILE",      2, 2, OPTION_JSON | OPTION_FORCE,     state_save_run,    "Write the state of a free device to a file" },
  { "state load",    "ADDRESS FILE",      2, 2, OPTION_JSON | OPTION_FORCE,     state_load_run,    "Load a state from a file into a free device" },
  { "state inspect", "FILE",              1, 1, OPTIONS_INSPECT,                state_inspect_run, "What is in such a file, and which devices could load it" },
  { "device reset",  "ADDRESS",           1, 1, OPTIONS_ASK | OPTION_YES,       device_reset_run,  "Reset a device that is free, or stuck; what is in it is lost" },
};
/* clang-format on */

static const struct
{
  const char *outcome;
  Status status;
} outcomes[] = {
  { "compatible", STATUS_DONE },
  { "degraded", STATUS_DONE },
  { "unknown", STATUS_UNKNOWN },
  { "incompatible", STATUS_REFUSED },
};

Status
status_of_outcome (const char *outcome)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outcomes); i++)
    if (g_str_equal (outcome, outcomes[i].outcome))
      return outcomes[i].status;
  return STATUS_UNKNOWN;
}

/* ---- the command line ---- */

/* What GOption fills in. */
typedef struct
{
  gboolean json, managed, force, until_end, trial, yes, here, help, version;
  char *host, *to, *peer, *limit, *output, *compute_node, *provider;
  char *max_downtime, *bandwidth, *parallel, *timeout;
  char *flags;
  char **against;       /* (nullable) */
  char **host_profiles; /* (nullable) */
  char **words;         /* (nullable): the rest, the verb first */
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->host);
  g_free (arguments->to);
  g_free (arguments->peer);
  g_free (arguments->limit);
  g_free (arguments->output);
  g_free (arguments->compute_node);
  g_free (arguments->provider);
  g_free (arguments->max_downtime);
  g_free (arguments->bandwidth);
  g_free (arguments->parallel);
  g_free (arguments->timeout);
  g_free (arguments->flags);
  g_strfreev (arguments->against);
  g_strfreev (arguments->host_profiles);
  g_strfreev (arguments->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
parse (Arguments *a, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, NULL, NULL },
    { "host", 'H', 0, G_OPTION_ARG_STRING, &a->host, NULL, NULL },
    { "to", 0, 0, G_OPTION_ARG_STRING, &a->to, NULL, NULL },
    { "peer", 0, 0, G_OPTION_ARG_STRING, &a->peer, NULL, NULL },
    { "limit", 0, 0, G_OPTION_ARG_STRING, &a->limit, NULL, NULL },
    { "managed", 0, 0, G_OPTION_ARG_NONE, &a->managed, NULL, NULL },
    { "force", 0, 0, G_OPTION_ARG_NONE, &a->force, NULL, NULL },
    { "until-end", 0, 0, G_OPTION_ARG_NONE, &a->until_end, NULL, NULL },
    { "trial", 0, 0, G_OPTION_ARG_NONE, &a->trial, NULL, NULL },
    { "output", 0, 0, G_OPTION_ARG_FILENAME, &a->output, NULL, NULL },
    { "compute-node", 0, 0, G_OPTION_ARG_STRING, &a->compute_node, NULL, NULL },
    { "provider", 0, 0, G_OPTION_ARG_STRING, &a->provider, NULL, NULL },
    { "max-downtime", 0, 0, G_OPTION_ARG_STRING, &a->max_downtime, NULL, NULL },
    { "bandwidth", 0, 0, G_OPTION_ARG_STRING, &a->bandwidth, NULL, NULL },
    { "parallel", 0, 0, G_OPTION_ARG_STRING, &a->parallel, NULL, NULL },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &a->timeout, NULL, NULL },
    { "yes", 0, 0, G_OPTION_ARG_NONE, &a->yes, NULL, NULL },
    { "here", 0, 0, G_OPTION_ARG_NONE, &a->here, NULL, NULL },
    { "flags", 0, 0, G_OPTION_ARG_STRING, &a->flags, NULL, NULL },
    { "against", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->against, NULL, NULL },
    { "host-profile", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->host_profiles, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &a->help, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &a->version, NULL, NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->words, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse_strv (context, argv, error);
}

/* Which of the options were given. */
static guint
given_options (const Arguments *a)
{
  return (a->yes ? OPTION_YES : 0) | (a->here ? OPTION_HERE : 0) | (a->flags != NULL ? OPTION_FLAGS : 0)
         | (a->against != NULL ? OPTION_AGAINST : 0) | (a->json ? OPTION_JSON : 0)
         | (a->host != NULL ? OPTION_HOST : 0) | (a->to != NULL ? OPTION_TO : 0)
         | (a->peer != NULL ? OPTION_PEER : 0) | (a->limit != NULL ? OPTION_LIMIT : 0)
         | (a->managed ? OPTION_MANAGED : 0) | (a->force ? OPTION_FORCE : 0)
         | (a->until_end ? OPTION_UNTIL_END : 0) | (a->trial ? OPTION_TRIAL : 0)
         | (a->output != NULL ? OPTION_OUTPUT : 0) | (a->compute_node != NULL ? OPTION_COMPUTE_NODE : 0)
         | (a->provider != NULL ? OPTION_PROVIDER : 0) | (a->host_profiles != NULL ? OPTION_HOST_PROFILE : 0)
         | (a->max_downtime != NULL ? OPTION_MAX_DOWNTIME : 0) | (a->bandwidth != NULL ? OPTION_BANDWIDTH : 0)
         | (a->parallel != NULL ? OPTION_PARALLEL : 0) | (a->timeout != NULL ? OPTION_TIMEOUT : 0);
}

/* How many of @words are @verb's name, 0 when they are another's. */
static guint
match (const Verb *verb, char *const *words)
{
  g_auto (GStrv) name = g_strsplit (verb->name, " ", -1);
  guint n = 0;

  for (; name[n] != NULL; n++)
    if (words[n] == NULL || !g_str_equal (words[n], name[n]))
      return 0;
  return n;
}

/* (nullable): the verb that @words begin with; *ret_n: how many of them it takes */
static const Verb *
find_verb (char *const *words, guint *ret_n)
{
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      *ret_n = match (&verbs[i], words);
      if (*ret_n > 0)
        return &verbs[i];
    }
  return NULL;
}

static G_GNUC_PRINTF (2, 3) gboolean fail_usage (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
  return FALSE;
}

/* Returns: (transfer full) (nullable): "get, save, load or inspect": what follows @word in verbs of two words
 */
static char *
list_second_words (const char *word)
{
  g_autofree char *prefix = g_strconcat (word, " ", NULL);
  g_autoptr (GPtrArray) seconds = g_ptr_array_new ();
  g_autofree char *all_but_last = NULL;
  const char *last;

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_has_prefix (verbs[i].name, prefix))
      g_ptr_array_add (seconds, (gpointer)(verbs[i].name + strlen (prefix)));
  if (seconds->len < 2)
    return seconds->len == 1 ? g_strdup (seconds->pdata[0]) : NULL;
  last = g_ptr_array_steal_index (seconds, seconds->len - 1);
  g_ptr_array_add (seconds, NULL);
  all_but_last = g_strjoinv (", ", (char **)seconds->pdata);
  return g_strdup_printf ("%s or %s", all_but_last, last);
}

/* @word: what no verb begins with, or a verb of two words without its second */
static void
fail_verb (GError **error, const char *word)
{
  g_autofree char *seconds = list_second_words (word);

  if (seconds != NULL)
    fail_usage (error, "“%s” is followed by %s", word, seconds);
  else
    fail_usage (error, "there is no verb “%s”; accmigctl --help lists them", word);
}

static gboolean
check_arguments (const Verb *verb, guint given, char *const *words, GError **error)
{
  guint n_words = g_strv_length ((char **)words);

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if ((given & options[i].option) != 0 && (verb->options & options[i].option) == 0)
      return fail_usage (error, "%s takes no option --%s", verb->name, options[i].name);
  if ((given & OPTION_TRIAL) != 0 && (given & OPTION_TO) == 0 && verb->run == check_run)
    return fail_usage (error, "--trial needs --to: the drivers of that host are asked");
  if (n_words < verb->min)
    return fail_usage (error, "%s needs %s", verb->name, verb->arguments);
  if (n_words > verb->max)
    return fail_usage (error, "%s takes %s; “%s” is one word too many", verb->name,
                       *verb->arguments != '\0' ? verb->arguments : "no arguments", words[verb->max]);
  return TRUE;
}

/* ---- help ---- */

static void
print_options (guint wanted)
{
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if ((options[i].option & wanted) != 0)
      printf ("  %s\n", options[i].help);
  puts ("  -h, --help             Print this\n"
        "      --version          Print the version");
}

static void
print_row (const Verb *verb)
{
  g_autofree char *usage = g_strconcat (verb->name, " ", verb->arguments, NULL);

  printf ("  %-24s %s\n", usage, verb->help);
}

static void
print_help (void)
{
  puts ("accmigctl [OPTION…] VERB [ARGUMENT…]\n\nLive migration of guests with accelerators.\n\nVerbs:");
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (!verbs[i].hidden)
      print_row (&verbs[i]);
  puts ("\nOptions:");
  print_options (G_MAXUINT);
  puts ("\nExit status: 0 yes or done, 1 failed, 2 usage, 3 incompatible or refused, 4 unknown.\nSee "
        "accmigctl(1).");
}

static void
print_verb_help (const Verb *verb)
{
  printf ("accmigctl %s%s%s [OPTION…]\n\n%s.\n\nOptions:\n", verb->name, *verb->arguments != '\0' ? " " : "",
          verb->arguments, verb->help);
  print_options (verb->options);
}

/* ---- running ---- */

/* What is wrong with a family file is nothing that a verb fails for. */
static void
warn_of_families (void)
{
  const AccmigFamilies *families = accmig_families_get_default ();

  for (const char *const *warning = accmig_families_get_warnings (families); *warning != NULL; warning++)
    {
      g_autofree char *line = text_clean (*warning);

      fprintf (stderr, "accmigctl: warning: %s\n", line);
    }
}

static gboolean
read_limit (const Arguments *a, Call *call, GError **error)
{
  guint64 limit = 0;

  if (a->limit == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (a->limit, 10, 1, 1000, &limit, NULL))
    return fail_usage (error, "--limit is “%s”, must be 1 to 1000", a->limit);
  call->limit = (int)limit;
  return TRUE;
}

static Status
run_verb (const Arguments *a, GError **error)
{
  guint n = 0;
  const Verb *verb = find_verb (a->words, &n);
  Call call = {
    .json = a->json,
    .host = a->host,
    .to = a->to,
    .peer = a->peer,
    .managed = a->managed,
    .force = a->force,
    .until_end = a->until_end,
    .trial = a->trial,
    .yes = a->yes,
    .here = a->here,
    .flags = a->flags,
    .against = a->against,
    .output = a->output,
    .compute_node = a->compute_node,
    .provider = a->provider,
    .host_profiles = a->host_profiles,
    .max_downtime = a->max_downtime,
    .bandwidth = a->bandwidth,
    .parallel = a->parallel,
    .timeout = a->timeout,
  };

  if (verb == NULL)
    fail_verb (error, a->words[0]);
  else if (a->help)
    print_verb_help (verb);
  else if (check_arguments (verb, given_options (a), a->words + n, error) && read_limit (a, &call, error))
    {
      call.words = a->words + n;
      warn_of_families ();
      return verb->run (&call, error);
    }
  return STATUS_DONE;
}

static Status
run (const Arguments *a, GError **error)
{
  if (a->version)
    puts ("accmigctl " ACCMIG_VERSION);
  else if (a->words != NULL)
    return run_verb (a, error);
  else if (a->help)
    print_help ();
  else
    fail_usage (error, "what is to be done? accmigctl --help lists the verbs");
  return STATUS_DONE;
}

static Status
status_of_error (const GError *error)
{
  if (error->domain == G_OPTION_ERROR || error->domain == G_CONVERT_ERROR)
    return STATUS_USAGE;
  return g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED) ? STATUS_REFUSED : STATUS_FAILED;
}

/* A result that nobody got is none. */
static void
check_output (GError **error)
{
  if (*error == NULL && (fflush (stdout) != 0 || ferror (stdout)))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the standard output cannot be written: %s",
                 g_strerror (errno));
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = { 0 };
  g_auto (GStrv) words = g_strdupv (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  Status status = STATUS_DONE;

  setlocale (LC_ALL, "");
  if (parse (&arguments, &words, &error))
    status = run (&arguments, &error);
  check_output (&error);
  if (error == NULL)
    return status;
  line = text_clean (error->message);
  fprintf (stderr, "accmigctl: %s\n", line);
  return status_of_error (error);
}
