// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The real broker, over its real socket, with libvirt's test driver and an empty sysfs behind it.
 *
 * What it is asked here is what a client that has gone wrong, or bad, would ask; that devices do what they
 * should is tested where there are devices. The program to test is $ACCMIG_BROKER.
 */

#include "broker-process.h"

#include "common/broker-protocol.h"
#include "common/names.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_LIMIT_USEC (10 * G_USEC_PER_SEC)
#define DOMAIN_UUID     "6695eb01-f6a4-8304-79aa-97f2502e193f" /* "test" of test:///default */
#define UNKNOWN_UUID    "00000000-0000-4000-8000-000000000000"
#define UNKNOWN_DEVICE  "0000:75:00.1"
#define UNKNOWN_MDEV    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define NOBODY_UID      65534
#define MAX_PEERS       4
#define FOUR            "🙂🙂🙂🙂" /* 16 bytes */

/* ---- calls ------------------------------------------------------------------------------------ */

static sd_bus_message *
call_ok (sd_bus *bus, sd_bus_message *m)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  sd_bus_message *reply = NULL;
  int r = sd_bus_call (bus, m, CALL_LIMIT_USEC, &error, &reply);

  g_assert_cmpstr (error.message, ==, NULL);
  g_assert_cmpint (r, >=, 0);
  return reply;
}

/* @m is answered with error NAME, and its message says @part. */
static void
call_fails (sd_bus *bus, sd_bus_message *m, const char *name, const char *part)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  g_autofree char *full = g_strconcat ("org.accmig1.Error.", name, NULL);

  g_test_message ("%s: wanted is %s, “%s”", sd_bus_message_get_member (m), name, part);
  g_assert_cmpint (sd_bus_call (bus, m, CALL_LIMIT_USEC, &error, NULL), <, 0);
  g_assert_cmpstr (error.name, ==, full);
  g_assert_nonnull (strstr (error.message, part));
}

/* @bus: (nullable) */
static gboolean
answers (sd_bus *bus)
{
  return bus != NULL
         && sd_bus_call_method (bus, NULL, ACCMIG_OBJECT_BROKER, "org.freedesktop.DBus.Peer", "Ping", NULL,
                                NULL, NULL)
                >= 0;
}

/* ---- devices ---------------------------------------------------------------------------------- */

static sd_bus_message *
new_device_call (sd_bus *bus, const char *member, const char *address, int fd)
{
  sd_bus_message *m = broker_process_call (bus, member);

  g_assert_cmpint (sd_bus_message_append (m, "s", address), >=, 0);
  if (g_str_equal (member, "Probe"))
    g_assert_cmpint (sd_bus_message_append (m, "u", 0), >=, 0);
  if (g_str_equal (member, "Save") || g_str_equal (member, "Load"))
    g_assert_cmpint (sd_bus_message_append (m, "h", fd), >=, 0);
  if (g_str_equal (member, "Trial"))
    g_assert_cmpint (sd_bus_message_append_array (m, 'y', "match", 5), >=, 0);
  if (g_str_equal (member, "Walk"))
    g_assert_cmpint (sd_bus_message_append (m, "as", 2, "stop-copy", "running"), >=, 0);
  if (g_str_equal (member, "Repair"))
    g_assert_cmpint (sd_bus_message_append (m, "s", "stop"), >=, 0);
  if (g_str_equal (member, "Bind"))
    g_assert_cmpint (sd_bus_message_append (m, "s", "hisi_acc_vfio_pci"), >=, 0);
  return m;
}

static void
each_device_verb_fails (BrokerProcess *f, const char *address, const char *name, const char *part)
{
  static const char *const verbs[] = { "Probe",     "Peek",   "Save",  "Load", "Reset",
                                       "ResetHeld", "Repair", "Trial", "Walk", "Bind" };
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autoptr (sd_bus_message) m = new_device_call (bus, verbs[i], address, fds[1]);

      call_fails (bus, m, name, part);
    }
  close (fds[0]);
  close (fds[1]);
}

static const char *const invalid_addresses[] = {
  "",        "../../../etc/passwd", "0000:75:00.1/../0000:75:00.2",         "0000:75:00.1 ", "0000:75:00.8",
  "75:00.1", "0000:75:00.1\n",      "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", "vfio0",
};

static void
test_invalid_address (BrokerProcess *f, gconstpointer data)
{
  g_autofree char *endless = g_strnfill (100000, 'a');

  for (gsize i = 0; i < G_N_ELEMENTS (invalid_addresses); i++)
    each_device_verb_fails (f, invalid_addresses[i], "Invalid", "no address");
  each_device_verb_fails (f, endless, "Invalid", "no address");
}

static void
test_unknown_device (BrokerProcess *f, gconstpointer data)
{
  each_device_verb_fails (f, UNKNOWN_DEVICE, "NotFound", UNKNOWN_DEVICE);
  each_device_verb_fails (f, UNKNOWN_MDEV, "NotFound", UNKNOWN_MDEV);
}

static void
test_match_size (BrokerProcess *f, gconstpointer data)
{
  static const struct
  {
    guint32 size;
    const char *name;
  } rows[] = { { BROKER_MATCH_MAX, "NotFound" },
               { BROKER_MATCH_MAX + 1, "Limit" },
               { G_MAXUINT32, "Limit" } };
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (sd_bus_message) m = broker_process_call (bus, "Probe");

      g_assert_cmpint (sd_bus_message_append (m, "su", UNKNOWN_DEVICE, rows[i].size), >=, 0);
      call_fails (bus, m, rows[i].name, "");
    }
}

/* Names that are none, and more of them than a walk may have. */
static void
test_walk_states (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) wrong = broker_process_call (bus, "Walk");
  g_autoptr (sd_bus_message) long_one = broker_process_call (bus, "Walk");
  g_autoptr (sd_bus_message) many = broker_process_call (bus, "Walk");
  char *states[BROKER_WALK_MAX + 2] = { NULL };

  g_assert_cmpint (sd_bus_message_append (wrong, "sas", UNKNOWN_DEVICE, 2, "stop", "halt"), >=, 0);
  call_fails (bus, wrong, "Invalid", "“halt” is no state");
  g_assert_cmpint (sd_bus_message_append (long_one, "sas", UNKNOWN_DEVICE, 1, "x" FOUR FOUR FOUR FOUR), >=,
                   0);
  call_fails (bus, long_one, "Invalid", "“x" FOUR FOUR FOUR "🙂🙂🙂” is no state");
  for (gsize i = 0; i < BROKER_WALK_MAX + 1; i++)
    states[i] = (char *)"stop";
  g_assert_cmpint (sd_bus_message_append (many, "s", UNKNOWN_DEVICE), >=, 0);
  g_assert_cmpint (sd_bus_message_append_strv (many, states), >=, 0);
  call_fails (bus, many, "Limit", "a walk of 33 states, 32 are the limit");
}

static void
test_repair_state (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) m = broker_process_call (bus, "Repair");

  g_assert_cmpint (sd_bus_message_append (m, "ss", UNKNOWN_DEVICE, "halt"), >=, 0);
  call_fails (bus, m, "Invalid", "“halt” is no state");
}

/* There is nothing to break off, and nothing to complain of. */
static void
test_abort_nothing (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) m = broker_process_call (bus, "Abort");

  g_assert_cmpint (sd_bus_message_append (m, "s", UNKNOWN_DEVICE), >=, 0);
  sd_bus_message_unref (call_ok (bus, m));
}

/* Another device's match data has the same limit. */
static void
test_trial_size (BrokerProcess *f, gconstpointer data)
{
  static const guint8 match[BROKER_MATCH_MAX + 1] = { 0 };
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  for (gsize length = BROKER_MATCH_MAX; length <= sizeof match; length++)
    {
      g_autoptr (sd_bus_message) m = broker_process_call (bus, "Trial");

      g_assert_cmpint (sd_bus_message_append (m, "s", UNKNOWN_DEVICE), >=, 0);
      g_assert_cmpint (sd_bus_message_append_array (m, 'y', match, length), >=, 0);
      call_fails (bus, m, length > BROKER_MATCH_MAX ? "Limit" : "NotFound", "");
    }
}

static sd_bus_message *
new_create_call (sd_bus *bus, const char *parent, const char *type, const char *uuid)
{
  sd_bus_message *m = broker_process_call (bus, "CreateMdev");

  g_assert_cmpint (sd_bus_message_append (m, "sss", parent, type, uuid), >=, 0);
  return m;
}

/* Nobody plays the kernel here: what was written is found in the file. */
static void
test_create_mdev (BrokerProcess *f, gconstpointer data)
{
  static const struct
  {
    const char *parent, *type, *uuid, *name;
  } rows[] = {
    { "mtty", "mtty-2", UNKNOWN_MDEV, "NotFound" },  { "other", "mtty-1", UNKNOWN_MDEV, "NotFound" },
    { "mtty", "mtty-1", "0000:75:00.1", "Invalid" }, { "mtty", "mtty-1", "../create", "Invalid" },
    { "..", "mtty-1", UNKNOWN_MDEV, "Invalid" },     { "mtty", "../mtty-1", UNKNOWN_MDEV, "Invalid" },
  };
  g_autofree char *type =
      g_build_filename (f->dir, "sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1", NULL);
  g_autofree char *create = g_build_filename (type, "create", NULL);
  g_autofree char *written = NULL;
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) m = new_create_call (bus, "mtty", "mtty-1", UNKNOWN_MDEV);
  g_autoptr (sd_bus_message) reply = NULL;

  g_assert_cmpint (g_mkdir_with_parents (type, 0755), ==, 0);
  g_assert_true (g_file_set_contents (create, "", 0, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (sd_bus_message) bad = new_create_call (bus, rows[i].parent, rows[i].type, rows[i].uuid);

      call_fails (bus, bad, rows[i].name, "");
    }
  reply = call_ok (bus, m);
  g_assert_true (g_file_get_contents (create, &written, NULL, NULL));
  g_assert_cmpstr (written, ==, UNKNOWN_MDEV);
}

static void
test_remove_mdev (BrokerProcess *f, gconstpointer data)
{
  static const struct
  {
    const char *uuid, *name;
  } rows[] = { { UNKNOWN_MDEV, "NotFound" }, { UNKNOWN_DEVICE, "Invalid" }, { "../mtty", "Invalid" } };
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (sd_bus_message) m = new_device_call (bus, "RemoveMdev", rows[i].uuid, -1);

      call_fails (bus, m, rows[i].name, "");
    }
}

static void
test_stream_kinds (BrokerProcess *f, gconstpointer data)
{
  static const char *const paths[] = { "/dev/null", "/proc" };
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      int fd = open (paths[i], O_RDONLY | O_CLOEXEC);
      g_autoptr (sd_bus_message) save = new_device_call (bus, "Save", UNKNOWN_DEVICE, fd);
      g_autoptr (sd_bus_message) load = new_device_call (bus, "Load", UNKNOWN_DEVICE, fd);

      close (fd);
      call_fails (bus, save, "Invalid", "must be a file, pipe or socket");
      call_fails (bus, load, "Invalid", "must be a file, pipe or socket");
    }
}

/* In a container there may be processes that nobody in it may look into: then one of them could have the
 * device, and what its driver wrote is not read. */
static gboolean
hides_processes (sd_bus *bus)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  g_autoptr (sd_bus_message) m = new_device_call (bus, "Evidence", UNKNOWN_DEVICE, -1);

  return sd_bus_call (bus, m, CALL_LIMIT_USEC, &error, NULL) < 0
         && strstr (error.message, "may not be looked into") != NULL;
}

static void
check_evidence (sd_bus *bus, const char *address, const char *wanted, gsize wanted_length)
{
  g_autoptr (sd_bus_message) m = new_device_call (bus, "Evidence", address, -1);
  g_autoptr (sd_bus_message) reply = call_ok (bus, m);
  const void *data;
  size_t length;

  g_assert_cmpint (sd_bus_message_read_array (reply, 'y', &data, &length), >=, 0);
  g_assert_cmpmem (data, length, wanted, wanted_length);
}

static void
write_evidence (const BrokerProcess *f, const char *address, const char *text, gsize length)
{
  g_autofree char *folder = g_build_filename (f->dir, "debug/vfio", address, "migration/hisi_acc", NULL);
  g_autofree char *path = g_build_filename (folder, "migf_data", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, (gssize)length, NULL));
}

/* Of a VF on its VFIO driver that nobody has, as the driver wrote it; where the driver writes nothing, that
 * is no error, whatever the device is. */
static void
test_evidence (BrokerProcess *f, gconstpointer data)
{
  static const char text[] = "Mig Data:00000000: de de \xff\xfe\nmigrate data length: 40\n";
  g_autofree char *device =
      g_build_filename (f->dir, "sys/bus/pci/devices", UNKNOWN_DEVICE, "vfio-dev/vfio4711", NULL);
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) early = NULL;

  check_evidence (bus, UNKNOWN_DEVICE, "", 0);
  check_evidence (bus, UNKNOWN_MDEV, "", 0);
  write_evidence (f, UNKNOWN_DEVICE, text, sizeof text - 1);
  early = new_device_call (bus, "Evidence", UNKNOWN_DEVICE, -1);
  call_fails (bus, early, "NotFound", UNKNOWN_DEVICE);

  g_assert_cmpint (g_mkdir_with_parents (device, 0755), ==, 0);
  if (!hides_processes (bus))
    check_evidence (bus, UNKNOWN_DEVICE, text, sizeof text - 1);
  for (gsize i = 0; i < G_N_ELEMENTS (invalid_addresses); i++)
    {
      g_autoptr (sd_bus_message) m = new_device_call (bus, "Evidence", invalid_addresses[i], -1);

      call_fails (bus, m, "Invalid", "no address");
    }
}

/* ---- adopted devices -------------------------------------------------------------------------- */

#define KNOWN_ID DOMAIN_UUID "/crypto0"

/* A verb with all its arguments; @fd: where one is wanted */
static sd_bus_message *
new_adopted_call (sd_bus *bus, const char *member, const char *id, int fd)
{
  sd_bus_message *m = broker_process_call (bus, member);

  g_assert_cmpint (sd_bus_message_append (m, "s", id), >=, 0);
  if (g_str_equal (member, "Adopt") || g_str_equal (member, "Drain") || g_str_equal (member, "Fill"))
    g_assert_cmpint (sd_bus_message_append (m, "h", fd), >=, 0);
  if (g_str_equal (member, "Drain"))
    g_assert_cmpint (sd_bus_message_append (m, "b", 1), >=, 0);
  if (g_str_equal (member, "Step"))
    g_assert_cmpint (sd_bus_message_append (m, "s", "stop"), >=, 0);
  return m;
}

static void
test_adopted_unknown (BrokerProcess *f, gconstpointer data)
{
  static const char *const verbs[] = { "Step", "Drain", "Fill", "ResetAdopted", "StateOf" };
  static const char *const bad_ids[] = { "", UNKNOWN_DEVICE, DOMAIN_UUID, DOMAIN_UUID "/../x",
                                         "../../etc/passwd" };
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autoptr (sd_bus_message) unknown = new_adopted_call (bus, verbs[i], KNOWN_ID, fds[0]);

      call_fails (bus, unknown, "NotFound", "crypto0");
      for (gsize j = 0; j < G_N_ELEMENTS (bad_ids); j++)
        {
          g_autoptr (sd_bus_message) bad = new_adopted_call (bus, verbs[i], bad_ids[j], fds[0]);

          call_fails (bus, bad, "Invalid", "no id of a registered device");
        }
    }
  close (fds[0]);
  close (fds[1]);
}

/* Whatever is no VFIO device is not sent a device's requests, and not kept. */
static void
test_adopt_no_device (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) list = broker_process_call (bus, "ListAdopted");
  g_autoptr (sd_bus_message) listed = NULL;
  g_autoptr (sd_bus_message) disown = new_adopted_call (bus, "Disown", KNOWN_ID, -1);
  static const char *const paths[] = { "/dev/null", "/proc/self/status", "/" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      int fd = open (paths[i], O_RDONLY | O_CLOEXEC);
      g_autoptr (sd_bus_message) m = new_adopted_call (bus, "Adopt", KNOWN_ID, fd);

      close (fd);
      call_fails (bus, m, "Invalid", "is not an open VFIO device");
    }
  call_fails (bus, disown, "NotFound", "crypto0");
  listed = call_ok (bus, list);
  g_assert_cmpint (sd_bus_message_enter_container (listed, 'a', "(ss)"), >, 0);
  g_assert_cmpint (sd_bus_message_at_end (listed, FALSE), >, 0);
}

static void
test_step_to_no_state (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  g_autoptr (sd_bus_message) m = broker_process_call (bus, "Step");

  g_assert_cmpint (sd_bus_message_append (m, "ss", KNOWN_ID, "sleeping"), >=, 0);
  call_fails (bus, m, "Invalid", "sleeping");
}

/* ---- domains ---------------------------------------------------------------------------------- */

static int
on_signal (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  gboolean *came = user;

  *came = TRUE;
  return 0;
}

static gboolean
hypervisor_connected (sd_bus *bus)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  int connected = -1;

  g_assert_cmpint (sd_bus_get_property_trivial (bus, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER,
                                                "HypervisorConnected", &error, 'b', &connected),
                   >=, 0);
  return connected == 1;
}

/* The broker connects by itself, and says so, and that no events came before that; asked after subscribing,
 * so that nothing falls in between. */
static sd_bus *
connect_with_libvirt (const BrokerProcess *f)
{
  static gboolean changed, gap; /* a late signal finds them still */
  sd_bus *bus = broker_process_connect (f);

  g_assert_cmpint (sd_bus_match_signal (bus, NULL, NULL, ACCMIG_OBJECT_BROKER,
                                        "org.freedesktop.DBus.Properties", "PropertiesChanged", on_signal,
                                        &changed),
                   >=, 0);
  g_assert_cmpint (sd_bus_match_signal (bus, NULL, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuGap",
                                        on_signal, &gap),
                   >=, 0);
  changed = gap = FALSE;
  if (hypervisor_connected (bus))
    return bus;
  while (!changed || !gap)
    {
      int r = sd_bus_process (bus, NULL);

      g_assert_cmpint (r, >=, 0);
      if (r == 0)
        g_assert_cmpint (sd_bus_wait (bus, CALL_LIMIT_USEC), >, 0);
    }
  g_assert_true (hypervisor_connected (bus));
  return bus;
}

static sd_bus_message *
new_metadata_call (sd_bus *bus, const char *uuid, const char *xml)
{
  sd_bus_message *m = broker_process_call (bus, "SetMetadata");

  g_assert_cmpint (sd_bus_message_append (m, "ss", uuid, xml), >=, 0);
  return m;
}

static void
test_metadata (BrokerProcess *f, gconstpointer data)
{
  static const char *const xml[] = { "<devices xmlns='urn:accmig:1' token='0123456789abcdef'/>", "" };
  g_autoptr (sd_bus) bus = connect_with_libvirt (f);

  for (gsize i = 0; i < G_N_ELEMENTS (xml); i++)
    {
      g_autoptr (sd_bus_message) m = new_metadata_call (bus, DOMAIN_UUID, xml[i]);
      g_autoptr (sd_bus_message) reply = call_ok (bus, m);

      g_assert_true (sd_bus_message_is_empty (reply));
    }
}

static void
test_metadata_refused (BrokerProcess *f, gconstpointer data)
{
  g_autofree char *endless = g_strnfill (BROKER_METADATA_MAX + 1, ' ');
  const struct
  {
    const char *uuid, *xml, *name;
  } rows[] = {
    { UNKNOWN_UUID, "<devices/>", "NotFound" },
    { "test", "<devices/>", "Invalid" }, /* a name is no UUID */
    { "", "<devices/>", "Invalid" },
    { DOMAIN_UUID, "<devices", "Invalid" },
    { DOMAIN_UUID, endless, "Limit" },
  };
  g_autoptr (sd_bus) bus = connect_with_libvirt (f);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (sd_bus_message) m = new_metadata_call (bus, rows[i].uuid, rows[i].xml);

      call_fails (bus, m, rows[i].name, "");
    }
}

/* ---- logs ------------------------------------------------------------------------------------- */

static void
write_log (const BrokerProcess *f, const char *name, const char *data, gsize length)
{
  g_autofree char *path = g_build_filename (f->logs, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize)length, &error);
  g_assert_no_error (error);
}

static sd_bus_message *
new_log_call (sd_bus *bus, const char *domain)
{
  sd_bus_message *m = broker_process_call (bus, "ReadLog");

  g_assert_cmpint (sd_bus_message_append (m, "s", domain), >=, 0);
  return m;
}

static void
check_log (sd_bus *bus, const char *domain, const char *wanted, gsize wanted_length)
{
  g_autoptr (sd_bus_message) m = new_log_call (bus, domain);
  g_autoptr (sd_bus_message) reply = call_ok (bus, m);
  const void *data;
  size_t length;

  g_assert_cmpint (sd_bus_message_read_array (reply, 'y', &data, &length), >=, 0);
  g_assert_cmpmem (data, length, wanted, wanted_length);
}

static void
test_log (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (GString) longer = g_string_new (NULL);
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  while (longer->len <= BROKER_LOG_TAIL)
    g_string_append_printf (longer, "line %zu \xff\xfe\n", longer->len);
  write_log (f, "short.log", "two\nlines\n", 10);
  write_log (f, "empty.log", "", 0);
  write_log (f, "longer.log", longer->str, longer->len);
  write_log (f, "spa ce.log", "x", 1);

  check_log (bus, "short", "two\nlines\n", 10);
  check_log (bus, "empty", "", 0);
  check_log (bus, "spa ce", "x", 1);
  check_log (bus, "longer", longer->str + longer->len - BROKER_LOG_TAIL, BROKER_LOG_TAIL);
}

static void
test_log_refused (BrokerProcess *f, gconstpointer data)
{
  g_autofree char *link = g_build_filename (f->logs, "link.log", NULL);
  g_autofree char *fifo = g_build_filename (f->logs, "fifo.log", NULL);
  g_autofree char *folder = g_build_filename (f->logs, "folder.log", NULL);
  g_autofree char *endless = g_strnfill (4096, 'a');
  g_autofree char *outside = g_build_filename (f->dir, "outside.log", NULL);
  const struct
  {
    const char *domain, *name;
  } rows[] = {
    { "no-such", "NotFound" }, { "../outside", "Invalid" }, { "/etc/passwd", "Invalid" },
    { "", "Invalid" },         { ".", "Invalid" },          { "..", "Invalid" },
    { ".hidden", "Invalid" },  { endless, "Invalid" },      { "link", "Io" },
    { "fifo", "Io" },          { "folder", "Io" },
  };
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  g_file_set_contents (outside, "secret", -1, NULL);
  g_assert_cmpint (symlink (outside, link), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (mkdir (folder, 0755), ==, 0);
  write_log (f, ".hidden.log", "x", 1);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (sd_bus_message) m = new_log_call (bus, rows[i].domain);

      call_fails (bus, m, rows[i].name, "");
    }
}

/* ---- who may ---------------------------------------------------------------------------------- */

static gboolean
become (uid_t uid)
{
  return setresgid (uid, uid, uid) == 0 && setresuid (uid, uid, uid) == 0;
}

/* In a child, which shares nothing with this process but the socket's path. 0: hung up on, 1: served, 2:
 * neither. */
static int
try_as_nobody (const BrokerProcess *f)
{
  struct sockaddr_un address = socket_address (f->socket);
  struct timeval limit = { .tv_sec = 10 };
  char byte;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (!become (NOBODY_UID) || setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0
      || connect (fd, (struct sockaddr *)&address, sizeof address) < 0)
    return 2;
  /* A server that would serve waits for this; one that would not has closed before it came. */
  (void)send (fd, "\0AUTH EXTERNAL 3635353334\r\n", 27, MSG_NOSIGNAL);
  return recv (fd, &byte, 1, 0) == 0 || errno == ECONNRESET ? 0 : 1;
}

/* 0: a verb is carried out (and refuses its nonsense), 1: the verb is denied, 2: hung up on. */
static int
try_as_agent (const BrokerProcess *f)
{
  g_auto (sd_bus_error) error = SD_BUS_ERROR_NULL;
  sd_bus *bus = NULL;

  if (!become (BROKER_PROCESS_AGENT_UID))
    return 2;
  bus = broker_process_connect (f);
  (void)sd_bus_call_method (bus, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "Reset", &error, NULL, "s",
                            "nonsense");
  if (g_strcmp0 (error.name, "org.accmig1.Error.Invalid") == 0)
    return 0;
  return g_strcmp0 (error.name, SD_BUS_ERROR_ACCESS_DENIED) == 0 ? 1 : 2;
}

static int
run_child (int (*child) (const BrokerProcess *f), const BrokerProcess *f)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    _exit (child (f));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
test_wrong_user (BrokerProcess *f, gconstpointer data)
{
  g_autoptr (sd_bus) bus = broker_process_connect (f);

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to become somebody else");
      return;
    }
  g_assert_cmpint (chmod (f->socket, 0666), ==, 0); /* the check must not rest on the mode */
  g_assert_cmpint (run_child (try_as_nobody, f), ==, 0);
  g_assert_true (answers (bus));
}

/* The agent has no privilege but its name. */
static void
test_agent_user (BrokerProcess *f, gconstpointer data)
{
  int outcome;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to become the agent's user");
      return;
    }
  g_assert_cmpint (chown (f->socket, BROKER_PROCESS_AGENT_UID, 0), ==, 0);
  outcome = run_child (try_as_agent, f);
  if (outcome == 2)
    g_test_skip ("needs the right to mount, to give the broker an agent's user");
  else
    g_assert_cmpint (outcome, ==, 0);
}

static void
test_socket_mode (BrokerProcess *f, gconstpointer data)
{
  struct stat st;

  g_assert_cmpint (stat (f->socket, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
}

static void
test_too_many (BrokerProcess *f, gconstpointer data)
{
  sd_bus *some[MAX_PEERS];
  g_autoptr (sd_bus) one_more = NULL;
  g_autoptr (sd_bus) later = NULL;

  for (int i = 0; i < MAX_PEERS; i++)
    {
      some[i] = broker_process_connect (f);
      g_assert_true (answers (some[i]));
    }
  one_more = broker_process_try_connect (f);
  g_assert_false (answers (one_more));

  sd_bus_flush_close_unref (some[0]);
  /* The broker hears of the end and of the next beginning in either order: a refusal is tried again. */
  for (int tries = 0; later == NULL && tries < 100; tries++)
    {
      later = broker_process_try_connect (f);
      if (!answers (later))
        g_clear_pointer (&later, sd_bus_close_unref);
    }
  g_assert_nonnull (later);
  for (int i = 1; i < MAX_PEERS; i++)
    {
      g_assert_true (answers (some[i]));
      sd_bus_flush_close_unref (some[i]);
    }
}

/* Noise where a handshake should be, as much as it takes. */
static void
test_noise (BrokerProcess *f, gconstpointer data)
{
  struct sockaddr_un address = socket_address (f->socket);
  g_autoptr (sd_bus) bus = broker_process_connect (f);
  guint8 block[4096];

  for (guint i = 0; i < sizeof block; i++)
    block[i] = (guint8)g_test_rand_int ();
  for (int round = 0; round < 20; round++)
    {
      struct timeval limit = { .tv_sec = 5 };
      int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

      g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), ==, 0);
      g_assert_cmpint (connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
      for (int i = 0; i < 256; i++)
        if (send (fd, block, sizeof block, MSG_NOSIGNAL) <= 0)
          break;
      close (fd);
    }
  g_assert_true (answers (bus));
}

/* ---- coming and going ------------------------------------------------------------------------- */

static void
await_line (int fd, const char *part)
{
  g_autoptr (GIOChannel) channel = g_io_channel_unix_new (fd);
  gboolean found = FALSE;

  g_io_channel_set_close_on_unref (channel, TRUE);
  while (!found)
    {
      g_autofree char *line = NULL;

      g_assert_cmpint (g_io_channel_read_line (channel, &line, NULL, NULL, NULL), ==, G_IO_STATUS_NORMAL);
      found = strstr (line, part) != NULL;
    }
}

/* systemd starts it for the first client; when the last has been gone for 10 s, it goes. */
static void
test_activation (void)
{
  g_autofree char *program = g_find_program_in_path ("systemd-socket-activate");
  g_autofree char *dir = g_dir_make_tmp ("broker-XXXXXX", NULL);
  g_autofree char *socket = g_build_filename (dir, "socket", NULL);
  const char *argv[] = {
    program, "-l", socket, g_getenv ("ACCMIG_BROKER"), "--uri", "test:///default", NULL
  };
  BrokerProcess f = { .socket = socket };
  g_autoptr (sd_bus) bus = NULL;
  int errors, status;
  gint64 left;

  if (program == NULL)
    {
      g_test_skip ("needs systemd-socket-activate");
      return;
    }
  g_assert_true (g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                           die_with_parent, NULL, &f.pid, NULL, NULL, &errors, NULL));
  await_line (dup (errors), "Listening on");
  bus = broker_process_connect (&f);

  left = g_get_monotonic_time ();
  g_assert_true (answers (bus));
  g_clear_pointer (&bus, sd_bus_flush_close_unref);
  g_assert_cmpint (waitpid (f.pid, &status, 0), ==, f.pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - left, >, 8 * G_USEC_PER_SEC);
  g_assert_true (g_file_test (socket, G_FILE_TEST_EXISTS)); /* systemd's, not ours to take away */
  close (errors);
  remove_tree (dir);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (BrokerProcess *f, gconstpointer data);
  } tests[] = {
    { "/broker/invalid-address", test_invalid_address },
    { "/broker/unknown-device", test_unknown_device },
    { "/broker/match-size", test_match_size },
    { "/broker/trial-size", test_trial_size },
    { "/broker/walk-states", test_walk_states },
    { "/broker/repair-state", test_repair_state },
    { "/broker/abort-nothing", test_abort_nothing },
    { "/broker/create-mdev", test_create_mdev },
    { "/broker/remove-mdev", test_remove_mdev },
    { "/broker/stream-kinds", test_stream_kinds },
    { "/broker/evidence", test_evidence },
    { "/broker/adopted-unknown", test_adopted_unknown },
    { "/broker/adopt-no-device", test_adopt_no_device },
    { "/broker/step-to-no-state", test_step_to_no_state },
    { "/broker/metadata", test_metadata },
    { "/broker/metadata-refused", test_metadata_refused },
    { "/broker/log", test_log },
    { "/broker/log-refused", test_log_refused },
    { "/broker/wrong-user", test_wrong_user },
    { "/broker/agent-user", test_agent_user },
    { "/broker/socket-mode", test_socket_mode },
    { "/broker/too-many", test_too_many },
    { "/broker/noise", test_noise },
  };

  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("ACCMIG_BROKER") == NULL)
    g_error ("ACCMIG_BROKER does not name the broker to test");
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, BrokerProcess, NULL, broker_process_start, tests[i].run, broker_process_stop);
  g_test_add_func ("/broker/activation", test_activation);
  return g_test_run ();
}
