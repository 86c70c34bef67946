// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several hosts asked at the same time: not too many of them, and none for too long.
 */

#include <accmig/error.h>
#include <string.h>

#include "../../agent/ctl/hosts.h"

/* What the questions below are about; they run in threads of their own. */
static GMutex mutex;
static GCond changed;
static guint n_running, most_running;

static char *
answer (const char *host, const char *text, GError **error)
{
  if (g_str_equal (host, "bad"))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "no %s", host);
      return NULL;
    }
  return g_strconcat (text, " ", host, NULL);
}

/* Until as many as may are running. */
static char *
answer_together (const char *host, const char *text, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  gint64 until = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  n_running++;
  most_running = MAX (most_running, n_running);
  g_cond_broadcast (&changed);
  while (most_running < HOSTS_AT_ONCE && g_cond_wait_until (&changed, &mutex, until))
    ;
  n_running--;
  return g_strdup (host);
}

/* "slow" answers when the test is over. */
static gboolean is_over;

static char *
answer_late (const char *host, const char *text, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);

  while (g_str_has_prefix (host, "slow") && !is_over)
    g_cond_wait (&changed, &mutex);
  return g_strdup (host);
}

static char **
name_hosts (const char *prefix, guint n)
{
  char **hosts = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    hosts[i] = g_strdup_printf ("%s%u", prefix, i);
  return hosts;
}

static const HostAnswer *
get_answer (const GPtrArray *answers, guint index)
{
  return answers->pdata[index];
}

static void
test_answers (void)
{
  const char *const hosts[] = { "one", "bad", "two", NULL };
  g_autoptr (GPtrArray) answers = hosts_ask ((char *const *)hosts, answer, "hello", HOSTS_LIMIT_USEC);

  g_assert_cmpuint (answers->len, ==, 3);
  g_assert_cmpstr (get_answer (answers, 0)->text, ==, "hello one");
  g_assert_no_error (get_answer (answers, 0)->error);
  g_assert_cmpstr (get_answer (answers, 1)->host, ==, "bad");
  g_assert_null (get_answer (answers, 1)->text);
  g_assert_error (get_answer (answers, 1)->error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_cmpstr (get_answer (answers, 2)->text, ==, "hello two");
}

static void
test_at_once (void)
{
  g_auto (GStrv) hosts = name_hosts ("cn", 3 * HOSTS_AT_ONCE);
  g_autoptr (GPtrArray) answers = hosts_ask (hosts, answer_together, NULL, HOSTS_LIMIT_USEC);

  g_assert_cmpuint (most_running, ==, HOSTS_AT_ONCE);
  for (guint i = 0; i < answers->len; i++)
    g_assert_cmpstr (get_answer (answers, i)->text, ==, hosts[i]);
}

/* More that hang than may run at once, and behind them one that does not. */
static void
test_limit (void)
{
  g_auto (GStrv) slow = name_hosts ("slow", HOSTS_AT_ONCE + 1);
  g_autofree char *names = g_strjoinv (",", slow);
  g_autofree char *list = g_strconcat (names, ",quick", NULL);
  g_auto (GStrv) hosts = hosts_split (list, NULL);
  g_autoptr (GPtrArray) answers = hosts_ask (hosts, answer_late, NULL, 200 * 1000);

  for (guint i = 0; i <= HOSTS_AT_ONCE; i++)
    {
      g_assert_null (get_answer (answers, i)->text);
      g_assert_nonnull (strstr (get_answer (answers, i)->error->message, "did not answer within 0.2 s"));
    }
  g_assert_cmpstr (get_answer (answers, HOSTS_AT_ONCE + 1)->text, ==, "quick");
  g_mutex_lock (&mutex);
  is_over = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&mutex);
}

static const struct
{
  const char *list;
  const char *hosts; /* NULL: refused */
} lists[] = {
  { "cn01", "cn01" },
  { "cn01,cn02", "cn01 cn02" },
  { "cn02,cn01,cn02", "cn02 cn01" },
  { "root@cn01,cn01", "root@cn01 cn01" },
  { "", NULL },
  { ",", NULL },
  { "cn01,", NULL },
  { "cn01,,cn02", NULL },
};

static void
test_split (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) hosts = hosts_split (lists[i].list, &error);
      g_autofree char *joined = hosts != NULL ? g_strjoinv (" ", hosts) : NULL;

      g_assert_cmpstr (joined, ==, lists[i].hosts);
      if (lists[i].hosts == NULL)
        g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hosts/answers", test_answers);
  g_test_add_func ("/hosts/at-once", test_at_once);
  g_test_add_func ("/hosts/limit", test_limit);
  g_test_add_func ("/hosts/split", test_split);
  return g_test_run ();
}
