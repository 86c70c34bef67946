// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors across the bus: what a server answers with, over a real connection, is what the client's GError
 * says.
 */

#include "common/bus-error.h"
#include "bus-pair.h"

#include <accmig/error.h>
#include <gio/gio.h>

/* A name per code; the wire's names are a promise, so they are spelled out here and not taken from the
 * header. */
static const struct
{
  const char *test;
  int domain; /* 0: the library's, 1: GIO's */
  int code;
  const char *name;
  AccmigError back;
} rows[] = {
  { "invalid", 0, ACCMIG_ERROR_INVALID, "org.accmig1.Error.Invalid", ACCMIG_ERROR_INVALID },
  { "limit", 0, ACCMIG_ERROR_LIMIT, "org.accmig1.Error.Limit", ACCMIG_ERROR_LIMIT },
  { "not-found", 0, ACCMIG_ERROR_NOT_FOUND, "org.accmig1.Error.NotFound", ACCMIG_ERROR_NOT_FOUND },
  { "busy", 0, ACCMIG_ERROR_BUSY, "org.accmig1.Error.Busy", ACCMIG_ERROR_BUSY },
  { "unsupported", 0, ACCMIG_ERROR_UNSUPPORTED, "org.accmig1.Error.Unsupported", ACCMIG_ERROR_UNSUPPORTED },
  { "refused", 0, ACCMIG_ERROR_REFUSED, "org.accmig1.Error.Refused", ACCMIG_ERROR_REFUSED },
  { "truncated", 0, ACCMIG_ERROR_TRUNCATED, "org.accmig1.Error.Truncated", ACCMIG_ERROR_TRUNCATED },
  { "bad-state", 0, ACCMIG_ERROR_BAD_STATE, "org.accmig1.Error.BadState", ACCMIG_ERROR_BAD_STATE },
  { "io", 0, ACCMIG_ERROR_IO, "org.accmig1.Error.Io", ACCMIG_ERROR_IO },
  { "beyond-the-enum", 0, ACCMIG_ERROR_IO + 1, "org.accmig1.Error.Failed", ACCMIG_ERROR_IO },
  { "below-the-enum", 0, -1, "org.accmig1.Error.Failed", ACCMIG_ERROR_IO },
  { "gio-not-found", 1, G_IO_ERROR_NOT_FOUND, "org.accmig1.Error.NotFound", ACCMIG_ERROR_NOT_FOUND },
  { "gio-cancelled", 1, G_IO_ERROR_CANCELLED, "org.accmig1.Error.Failed", ACCMIG_ERROR_IO },
};

typedef struct
{
  GError *answer; /* what the server says */
  gboolean answered;
  char *name;
  GError *taken;
} Exchange;

static int
method_fail (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const Exchange *e = user;

  return bus_error_set (ret_error, e->answer);
}

static int
method_fail_later (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const Exchange *e = user;

  bus_error_reply (m, e->answer);
  return 1;
}

static int
method_finer (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return sd_bus_error_set (ret_error, "org.accmig1.Error.UnknownDevice", "no such device");
}

static const sd_bus_vtable vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD ("Fail", NULL, NULL, method_fail, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("FailLater", NULL, NULL, method_fail_later, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Finer", NULL, NULL, method_finer, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_VTABLE_END,
};

static int
on_answer (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Exchange *e = user;

  g_assert_true (sd_bus_message_is_method_error (m, NULL));
  e->name = g_strdup (sd_bus_message_get_error (m)->name);
  g_assert_false (bus_error_take (&e->taken, m));
  e->answered = TRUE;
  return 0;
}

static void
exchange (Exchange *e, const char *member)
{
  BusPair pair;
  guint client, server;
  g_autoptr (sd_bus_message) m = NULL;

  bus_pair_init (&pair, vtable, e);
  client = bus_loop_attach (pair.client, NULL, NULL);
  server = bus_loop_attach (pair.server, NULL, NULL);
  m = bus_pair_new_call (&pair, member);
  g_assert_cmpint (sd_bus_call_async (pair.client, NULL, m, on_answer, e, 0), >=, 0);
  bus_pair_iterate_until (&e->answered);
  g_source_remove (client);
  g_source_remove (server);
  bus_pair_clear (&pair);
}

static void
exchange_clear (Exchange *e)
{
  g_clear_error (&e->answer);
  g_clear_error (&e->taken);
  g_free (e->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Exchange, exchange_clear)

static void
check_row (gsize i, const char *member)
{
  g_auto (Exchange) e = { 0 };
  GQuark domain = rows[i].domain == 0 ? ACCMIG_ERROR : G_IO_ERROR;

  g_test_message ("%s, %s", rows[i].test, member);
  e.answer = g_error_new (domain, rows[i].code, "queues differ: source has %d", 8);
  exchange (&e, member);
  g_assert_cmpstr (e.name, ==, rows[i].name);
  g_assert_error (e.taken, ACCMIG_ERROR, (int)rows[i].back);
  g_assert_cmpstr (e.taken->message, ==, "queues differ: source has 8");
}

static void
test_every_code (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      check_row (i, "Fail");
      check_row (i, "FailLater");
    }
}

/* What does not come from us: sd-bus's own errors, and names that are finer than a code. */
static void
test_foreign (void)
{
  g_auto (Exchange) unknown = { 0 };
  g_auto (Exchange) finer = { 0 };

  exchange (&unknown, "Nothing");
  g_assert_error (unknown.taken, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_cmpstr (unknown.taken->message, !=, "");
  exchange (&finer, "Finer");
  g_assert_error (finer.taken, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
}

/* Drivers and guests write into messages; the wire takes UTF-8 only. */
static void
test_bad_bytes (void)
{
  g_auto (Exchange) e = { 0 };

  e.answer = g_error_new_literal (ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "device \xff\xfe is busy");
  exchange (&e, "FailLater");
  g_assert_error (e.taken, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_true (g_utf8_validate (e.taken->message, -1, NULL));
  g_assert_nonnull (strstr (e.taken->message, "is busy"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus-error/every-code", test_every_code);
  g_test_add_func ("/bus-error/foreign", test_foreign);
  g_test_add_func ("/bus-error/bad-bytes", test_bad_bytes);
  return g_test_run ();
}
