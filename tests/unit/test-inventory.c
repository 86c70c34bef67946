// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inventory over mock trees: what a host has, in every state of binding; and the edges of names and
 * races.
 */

#include <accmig/inventory.h>

#include <fcntl.h>
#include <unistd.h>

#include "family.h"
#include "inventory-private.h"
#include "mock-sysfs.h"
#include "module-alias.h"
#include "sysfs.h"

#define PF   "0000:75:00.0"
#define VF0  "0000:75:00.1"
#define VF1  "0000:75:00.2"
#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static AccmigInventory *
read_mock (MockSysfs *mock)
{
  g_autoptr (GError) error = NULL;
  AccmigInventory *inventory =
      inventory_read (mock_sysfs_get_fd (mock), mock_sysfs_get_aliases (mock), &error);

  g_assert_no_error (error);
  return inventory;
}

/* A SEC engine with two VFs: the first bound to the variant driver, the second to the native one. */
static MockSysfs *
sec_host (void)
{
  MockSysfs *mock = mock_sysfs_new ();

  mock_sysfs_add_pf (mock, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_bind (mock, PF, "hisi_sec2", FALSE);
  mock_sysfs_add_vf (mock, PF, 0, VF0, 0xa256);
  mock_sysfs_add_vf (mock, PF, 1, VF1, 0xa256);
  mock_sysfs_bind (mock, VF0, "hisi_acc_vfio_pci", TRUE);
  mock_sysfs_bind (mock, VF1, "hisi_sec2", FALSE);
  return mock;
}

static void
test_vf (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (AccmigInventory) inventory = NULL;
  const AccmigDeviceInfo *info;

  mock_sysfs_set (mock, VF1, "numa_node", "-1");
  mock_sysfs_set (mock, VF0, "numa_node", "3");
  inventory = read_mock (mock);
  g_assert_cmpuint (accmig_inventory_size (inventory), ==, 2);
  g_assert_null (accmig_inventory_lookup (inventory, PF));

  info = accmig_inventory_lookup (inventory, VF0);
  g_assert_nonnull (info);
  g_assert_true (info == accmig_inventory_get (inventory, 0));
  g_assert_cmpstr (accmig_device_info_get_address (info), ==, VF0);
  g_assert_cmpint (accmig_device_info_get_kind (info), ==, ACCMIG_KIND_PCI);
  g_assert_cmpstr (accmig_device_info_get_driver (info), ==, "hisi_acc_vfio_pci");
  g_assert_true (accmig_device_info_is_vfio (info));
  g_assert_cmpstr (accmig_device_info_get_variant (info), ==, "hisi_acc_vfio_pci");
  g_assert_cmpstr (accmig_device_info_get_pf (info), ==, PF);
  g_assert_cmpstr (accmig_device_info_get_pf_driver (info), ==, "hisi_sec2");
  g_assert_cmpint (accmig_device_info_get_vf_index (info), ==, 0);
  g_assert_cmpuint (accmig_device_info_get_num_vfs (info), ==, 2);
  g_assert_cmpint (accmig_device_info_get_group (info), ==, 0);
  g_assert_cmpint (accmig_device_info_get_numa_node (info), ==, 3);
  g_assert_cmphex (accmig_device_info_get_vendor_id (info), ==, 0x19e5);
  g_assert_cmphex (accmig_device_info_get_device_id (info), ==, 0xa256);
  g_assert_cmphex (accmig_device_info_get_revision (info), ==, 0x30);
  g_assert_null (accmig_device_info_get_mdev_type (info));
  g_assert_cmpstr (accmig_device_info_get_family (info), ==, "hisi_acc");
  g_assert_cmpstr (accmig_device_info_get_owner (info), ==, "free");

  info = accmig_inventory_lookup (inventory, VF1);
  g_assert_cmpstr (accmig_device_info_get_driver (info), ==, "hisi_sec2");
  g_assert_false (accmig_device_info_is_vfio (info));
  g_assert_cmpint (accmig_device_info_get_vf_index (info), ==, 1);
  g_assert_cmpint (accmig_device_info_get_group (info), ==, 1);
  g_assert_cmpint (accmig_device_info_get_numa_node (info), ==, -1);
  g_assert_cmpstr (accmig_device_info_get_owner (info), ==, "host");
}

static void
test_unbound (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (AccmigInventory) inventory = NULL;
  const AccmigDeviceInfo *info;

  mock_sysfs_unbind (mock, VF1);
  mock_sysfs_unbind (mock, PF);
  inventory = read_mock (mock);
  info = accmig_inventory_lookup (inventory, VF1);
  g_assert_null (accmig_device_info_get_driver (info));
  g_assert_null (accmig_device_info_get_pf_driver (info));
  g_assert_cmpstr (accmig_device_info_get_pf (info), ==, PF);
  g_assert_cmpstr (accmig_device_info_get_owner (info), ==, "free");
  g_assert_cmpstr (accmig_device_info_get_family (info), ==, "hisi_acc");
}

static void
test_mdev (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (AccmigInventory) inventory = NULL;
  const AccmigDeviceInfo *info;

  mock_sysfs_add_mtty (mock, UUID, "mtty-2");
  inventory = read_mock (mock);
  g_assert_cmpuint (accmig_inventory_size (inventory), ==, 3);
  info = accmig_inventory_get (inventory, 2);
  g_assert_cmpstr (accmig_device_info_get_address (info), ==, UUID);
  g_assert_cmpint (accmig_device_info_get_kind (info), ==, ACCMIG_KIND_MDEV);
  g_assert_cmpstr (accmig_device_info_get_driver (info), ==, "mtty");
  g_assert_true (accmig_device_info_is_vfio (info));
  g_assert_null (accmig_device_info_get_variant (info));
  g_assert_cmpstr (accmig_device_info_get_pf (info), ==, "mtty");
  g_assert_null (accmig_device_info_get_pf_driver (info));
  g_assert_cmpint (accmig_device_info_get_vf_index (info), ==, -1);
  g_assert_cmpuint (accmig_device_info_get_num_vfs (info), ==, 0);
  g_assert_cmpint (accmig_device_info_get_numa_node (info), ==, -1);
  g_assert_cmpstr (accmig_device_info_get_mdev_type (info), ==, "mtty-2");
  g_assert_cmpstr (accmig_device_info_get_family (info), ==, "mtty");
  g_assert_cmpstr (accmig_device_info_get_owner (info), ==, "free");
}

/* A wider domain comes after all narrower ones; mdevs come last. */
static void
test_order (void)
{
  static const char *const order[] = { "0000:75:00.1", "0000:75:01.0", "0002:01:00.0", "10000:00:00.1",
                                       UUID };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (AccmigInventory) inventory = NULL;

  mock_sysfs_add_pf (mock, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_mtty (mock, UUID, "mtty-1");
  mock_sysfs_add_vf (mock, PF, 0, "10000:00:00.1", 0xa256);
  mock_sysfs_add_vf (mock, PF, 1, "0002:01:00.0", 0xa256);
  mock_sysfs_add_vf (mock, PF, 2, "0000:75:01.0", 0xa256);
  mock_sysfs_add_vf (mock, PF, 3, "0000:75:00.1", 0xa256);
  mock_sysfs_add_vf (mock, PF, 4, "0000:75:00.9", 0xa256); /* no address: left out */
  inventory = read_mock (mock);
  g_assert_cmpuint (accmig_inventory_size (inventory), ==, G_N_ELEMENTS (order));
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++)
    g_assert_cmpstr (accmig_device_info_get_address (accmig_inventory_get (inventory, i)), ==, order[i]);
}

static void
test_no_buses (void)
{
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (AccmigInventory) inventory = NULL;

  mock_sysfs_remove (mock, "bus");
  inventory = read_mock (mock);
  g_assert_cmpuint (accmig_inventory_size (inventory), ==, 0);
  g_assert_null (accmig_inventory_lookup (inventory, VF0));
  accmig_inventory_free (NULL);
}

static void
test_not_a_directory (void)
{
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (GError) closed = NULL;
  g_autoptr (GError) file = NULL;
  int fd = open (mock_sysfs_get_aliases (mock), O_RDONLY | O_CLOEXEC);

  g_assert_null (inventory_read (-1, NULL, &closed));
  g_assert_error (closed, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_null (inventory_read (fd, NULL, &file));
  g_assert_error (file, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  close (fd);
}

/* Gone while others are read: what is left is a link on the bus that leads nowhere. */
static void
test_vanished (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (AccmigInventory) inventory = NULL;

  mock_sysfs_add_mtty (mock, UUID, "mtty-1");
  mock_sysfs_remove (mock, "devices/virtual/mtty/mtty/" UUID);
  mock_sysfs_remove (mock, "devices/pci0000:00/" VF0);
  inventory = read_mock (mock);
  g_assert_cmpuint (accmig_inventory_size (inventory), ==, 1);
  g_assert_cmpstr (accmig_device_info_get_address (accmig_inventory_get (inventory, 0)), ==, VF1);
}

/* Attributes that say nothing, or nonsense. */
static void
test_odd_attributes (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (AccmigInventory) inventory = NULL;
  const AccmigDeviceInfo *info;

  mock_sysfs_set (mock, PF, "sriov_numvfs", "99999999999999999999");
  mock_sysfs_set (mock, VF0, "numa_node", "");
  mock_sysfs_set (mock, VF0, "revision", "0x30 or so");
  mock_sysfs_remove (mock, "devices/pci0000:00/" VF0 "/iommu_group");
  inventory = read_mock (mock);
  info = accmig_inventory_lookup (inventory, VF0);
  g_assert_cmpuint (accmig_device_info_get_num_vfs (info), ==, 0);
  g_assert_cmpint (accmig_device_info_get_vf_index (info), ==, -1);
  g_assert_cmpint (accmig_device_info_get_numa_node (info), ==, -1);
  g_assert_cmpuint (accmig_device_info_get_revision (info), ==, 0);
  g_assert_cmpint (accmig_device_info_get_group (info), ==, -1);
}

static void
test_addresses (void)
{
  static const struct
  {
    const char *address;
    int kind; /* -1: none */
  } rows[] = {
    { "0000:75:00.1", ACCMIG_KIND_PCI },
    { "ffff:ff:1f.7", ACCMIG_KIND_PCI },
    { "10000:00:00.0", ACCMIG_KIND_PCI },
    { "fffffffe:00:00.0", ACCMIG_KIND_PCI },
    { UUID, ACCMIG_KIND_MDEV },
    { NULL, -1 },
    { "", -1 },
    { "75:00.1", -1 },
    { "000:75:00.1", -1 },
    { "00000:75:00.1", -1 },
    { "123456789:75:00.1", -1 },
    { "0000:75:20.1", -1 },
    { "0000:75:00.8", -1 },
    { "0000:75:00.", -1 },
    { "0000:75:00.1 ", -1 },
    { "0000:75:00.11", -1 },
    { " 0000:75:00.1", -1 },
    { "0000:75:00.1/..", -1 },
    { "0000:7A:00.1", -1 },
    { "../0000:75:00.1", -1 },
    { "83B8F4F2-509f-382f-3c1e-e6bfe0fa1001", -1 },
    { "83b8f4f2509f382f3c1ee6bfe0fa1001", -1 },
    { "83b8f4f2-509f-382f-3c1e-e6bfe0fa100", -1 },
    { "83b8f4f2-509f-382f-3c1e-e6bfe0fa10011", -1 },
    { "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g", -1 },
    { "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}", -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      AccmigKind kind = (AccmigKind)7;
      gboolean valid = accmig_address_is_valid (rows[i].address, &kind);

      g_test_message ("<%s>", rows[i].address != NULL ? rows[i].address : "(null)");
      g_assert_cmpint (valid, ==, rows[i].kind >= 0);
      g_assert_cmpint ((int)kind, ==, valid ? rows[i].kind : 7);
    }
  g_assert_true (accmig_address_is_valid (PF, NULL));
  g_assert_cmpstr (accmig_kind_to_string (ACCMIG_KIND_PCI), ==, "pci");
  g_assert_cmpstr (accmig_kind_to_string (ACCMIG_KIND_MDEV), ==, "mdev");
}

static void
test_variants (void)
{
  static const struct
  {
    const char *modalias;
    const char *module;
  } rows[] = {
    { "pci:v000019E5d0000A256sv000019E5sd00000000bc10sc00i00", "hisi_acc_vfio_pci" },
    { "pci:v000015B3d0000101Esv000015B3sd00000000bc02sc00i00", "mlx5_vfio_pci" },
    { "pci:v000015B3d0000101Fsv000015B3sd00000000bc02sc00i00", "vfio-pci" },
    { "pci:v000019E5d0000A255sv000019E5sd00000000bc10sc00i00", "vfio-pci" },
    { "platform:something", "vfio-pci" },
  };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (ModuleAliases) aliases = module_aliases_read (mock_sysfs_get_aliases (mock));

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (module_aliases_best (aliases, rows[i].modalias), ==, rows[i].module);
}

/* Fewest wildcards first, the first of equals; lines that say nothing are passed over. */
static void
test_best_variant (void)
{
  static const char text[] = "alias vfio_pci:v00008086d*sv*sd*bc*sc*i* loose\n"
                             "alias vfio_pci:\n"
                             "alias vfio_pci:v00008086d00001234sv*sd*bc*sc*i*\n"
                             "alias vfio_pci:v00008086d00001234sv*sd*bc*sc*i* first\n"
                             "alias vfio_pci:v00008086d00001234sv*sd*bc*sc*i* second\n"
                             "alias vfio_pci:v00008086d00001234sv*sd*bc02sc*i* tight";
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autofree char *path = g_build_filename (mock_sysfs_get_root (mock), "alias", NULL);
  g_autoptr (ModuleAliases) aliases = NULL;

  mock_sysfs_write (mock, "alias", text);
  aliases = module_aliases_read (path);
  g_assert_cmpstr (module_aliases_best (aliases, "pci:v00008086d00001234sv0sd0bc01sc00i00"), ==, "first");
  g_assert_cmpstr (module_aliases_best (aliases, "pci:v00008086d00001234sv0sd0bc02sc00i00"), ==, "tight");
  g_assert_cmpstr (module_aliases_best (aliases, "pci:v00008086d00004321sv0sd0bc02sc00i00"), ==, "loose");
}

/* The file names modules; what is bound and written to driver_override is the driver's name. */
static void
test_driver_names (void)
{
  static const char text[] = "alias vfio_pci:v00008086d0000B081sv*sd*bc*sc*i* xe_vfio_pci\n"
                             "alias vfio_pci:v000019E5d0000A256sv*sd*bc*sc*i* hisi_acc_vfio_pci\n"
                             "alias vfio_pci:v00001234d*sv*sd*bc*sc*i* unheard_of\n"
                             "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n";
  static const struct
  {
    const char *modalias, *driver;
  } rows[] = {
    { "pci:v00008086d0000B081sv0sd0bc03sc80i00", "xe-vfio-pci" },
    { "pci:v000019E5d0000A256sv0sd0bc10sc00i00", "hisi_acc_vfio_pci" },
    { "pci:v00001234d00000001sv0sd0bc10sc00i00", "unheard_of" },
    { "pci:v00005678d00000001sv0sd0bc10sc00i00", "vfio-pci" },
  };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autofree char *path = g_build_filename (mock_sysfs_get_root (mock), "alias", NULL);
  g_autoptr (ModuleAliases) aliases = NULL;

  mock_sysfs_write (mock, "alias", text);
  aliases = module_aliases_read (path);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (module_aliases_best (aliases, rows[i].modalias), ==, rows[i].driver);
}

static void
test_no_aliases (void)
{
  g_autoptr (MockSysfs) mock = sec_host ();
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigInventory) inventory =
      inventory_read (mock_sysfs_get_fd (mock), "/nonexistent/modules.alias", &error);
  g_autofree char *path = module_aliases_default_path ();

  g_assert_no_error (error);
  g_assert_null (accmig_device_info_get_variant (accmig_inventory_get (inventory, 0)));
  g_assert_true (g_str_has_prefix (path, "/lib/modules/"));
  g_assert_true (g_str_has_suffix (path, "/modules.alias"));
}

static void
test_families (void)
{
  static const struct
  {
    guint vendor, device;
    const char *driver, *variant, *family;
  } rows[] = {
    { 0x19e5, 0xa251, NULL, NULL, "hisi_acc" },
    { 0x19e5, 0xa259, "vfio-pci", "vfio-pci", "hisi_acc" },
    { 0x19e5, 0xa258, NULL, NULL, "generic" }, /* a PF */
    { 0x15b3, 0x101e, "mlx5_core", NULL, "mlx5" },
    { 0x8086, 0x4949, NULL, NULL, "qat" },
    { 0x1dd8, 0x1003, NULL, NULL, "pds" },
    { 0x1af4, 0x1042, NULL, NULL, "virtio" },
    { 0x8086, 0xb080, "xe-vfio-pci", NULL, "xe" },
    { 0x8086, 0xb080, NULL, "xe_vfio_pci", "xe" },
    { 0x8086, 0x10ca, "migsim", NULL, "migsim" },
    { 0x8086, 0x10ca, NULL, "migsim", "migsim" },
    { 0x8086, 0x10ca, "igbvf", "vfio-pci", "generic" },
    { 0, 0, NULL, NULL, "generic" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (family_of_pci (rows[i].vendor, rows[i].device, rows[i].driver, rows[i].variant), ==,
                     rows[i].family);
  g_assert_cmpstr (family_of_mdev ("mtty-1"), ==, "mtty");
  g_assert_cmpstr (family_of_mdev ("nvidia-222"), ==, "generic");
  g_assert_cmpstr (family_of_mdev (NULL), ==, "generic");
  g_assert_true (driver_names_equal ("xe-vfio-pci", "xe_vfio_pci"));
  g_assert_false (driver_names_equal ("vfio-pci", "vfio-pci-core"));
  g_assert_false (driver_names_equal ("vfio-pci", "vfio.pci"));
  g_assert_false (driver_names_equal (NULL, NULL));
}

static void
test_numbers (void)
{
  static const struct
  {
    const char *text;
    gboolean valid;
    gint64 value;
  } rows[] = {
    { "12\n", TRUE, 12 },   { "-1\n", TRUE, -1 },
    { "0x1f\n", TRUE, 31 }, { "010\n", TRUE, 10 },
    { "\n", FALSE },        { "0x\n", FALSE },
    { "12 13\n", FALSE },   { "twelve\n", FALSE },
    { "1e3\n", FALSE },     { "9223372036854775808\n", FALSE },
  };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint64 value = 77;

      mock_sysfs_write (mock, "number", rows[i].text);
      g_assert_cmpint (sysfs_read_number (mock_sysfs_get_fd (mock), "number", &value), ==, rows[i].valid);
      g_assert_cmpint (value, ==, rows[i].valid ? rows[i].value : 77);
    }
  g_assert_false (sysfs_read_number (mock_sysfs_get_fd (mock), "nowhere", &(gint64){ 0 }));
}

/* The host that runs the test: whatever it has, every device answers sensibly. */
static void
test_this_host (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigInventory) inventory = NULL;
  int fd = open ("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      g_test_skip ("no /sys here");
      return;
    }
  inventory = accmig_inventory_read (fd, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < accmig_inventory_size (inventory); i++)
    {
      const AccmigDeviceInfo *info = accmig_inventory_get (inventory, i);

      g_assert_true (accmig_address_is_valid (accmig_device_info_get_address (info), NULL));
      g_assert_nonnull (accmig_device_info_get_pf (info));
      g_assert_nonnull (accmig_device_info_get_family (info));
    }
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inventory/vf", test_vf);
  g_test_add_func ("/inventory/unbound", test_unbound);
  g_test_add_func ("/inventory/mdev", test_mdev);
  g_test_add_func ("/inventory/order", test_order);
  g_test_add_func ("/inventory/no-buses", test_no_buses);
  g_test_add_func ("/inventory/not-a-directory", test_not_a_directory);
  g_test_add_func ("/inventory/vanished", test_vanished);
  g_test_add_func ("/inventory/odd-attributes", test_odd_attributes);
  g_test_add_func ("/inventory/this-host", test_this_host);
  g_test_add_func ("/inventory/addresses", test_addresses);
  g_test_add_func ("/inventory/variants", test_variants);
  g_test_add_func ("/inventory/best-variant", test_best_variant);
  g_test_add_func ("/inventory/driver-names", test_driver_names);
  g_test_add_func ("/inventory/no-aliases", test_no_aliases);
  g_test_add_func ("/inventory/families", test_families);
  g_test_add_func ("/inventory/numbers", test_numbers);
  return g_test_run ();
}
