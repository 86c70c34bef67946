/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Every name the outside knows us by: bus names, paths, interfaces, errors, files, environment. A rename is
 * one line here, and grep finds every use.
 */

#define ACCMIG_BUS_NAME          "org.accmig1"
#define ACCMIG_OBJECT_ROOT       "/org/accmig1"
#define ACCMIG_OBJECT_DEVICES    ACCMIG_OBJECT_ROOT "/devices"
#define ACCMIG_OBJECT_MIGRATIONS ACCMIG_OBJECT_ROOT "/migrations"
#define ACCMIG_OBJECT_REGISTERED ACCMIG_OBJECT_ROOT "/registered"

#define ACCMIG_IFACE_MANAGER    "org.accmig1.Manager"
#define ACCMIG_IFACE_GATE       "org.accmig1.Gate"
#define ACCMIG_IFACE_DEVICE     "org.accmig1.Device"
#define ACCMIG_IFACE_MIGRATION  "org.accmig1.Migration"
#define ACCMIG_IFACE_REGISTERED "org.accmig1.RegisteredDevice"

/* D-Bus error names; bus-error.c maps #AccmigError codes to them. */
#define ACCMIG_BUS_ERROR(name) "org.accmig1.Error." name

/* The private connection between accmigd and accmig-broker: no bus, one peer. */
#define ACCMIG_IFACE_BROKER  "org.accmig1.Broker"
#define ACCMIG_OBJECT_BROKER "/org/accmig1/Broker"
#define ACCMIG_BROKER_SOCKET "/run/accmig/broker.socket"

/* The way to the agents of other hosts: whoever connects says one line, and then speaks to that host's bus.
 */
#define ACCMIG_LINK_SOCKET "/run/accmig/link.socket"

/* polkit actions */
#define ACCMIG_ACTION_SAVE     "org.accmig1.save-state"
#define ACCMIG_ACTION_LOAD     "org.accmig1.load-state"
#define ACCMIG_ACTION_SET      "org.accmig1.set-state"
#define ACCMIG_ACTION_RESET    "org.accmig1.reset-device"
#define ACCMIG_ACTION_REPORT   "org.accmig1.report-refusal"
#define ACCMIG_ACTION_REGISTER "org.accmig1.register-device"

#define ACCMIG_USER "accmig"

/* Environment, for tests and for people who run a second agent. */
#define ACCMIG_ENV_CONFIG_DIR "ACCMIG_CONFIG_DIR" /* instead of the compiled-in directory */
#define ACCMIG_ENV_STATE_DIR  "STATE_DIRECTORY"   /* set by systemd */
#define ACCMIG_ENV_SYSFS      "ACCMIG_SYSFS"      /* instead of /sys */
#define ACCMIG_ENV_DEBUGFS    "ACCMIG_DEBUGFS"    /* instead of /sys/kernel/debug */

/* Fields of our journal lines. */
#define ACCMIG_FIELD_DOMAIN    "ACCMIG_DOMAIN" /* domain name */
#define ACCMIG_FIELD_UUID      "ACCMIG_DOMAIN_UUID"
#define ACCMIG_FIELD_DEVICE    "ACCMIG_DEVICE"    /* address */
#define ACCMIG_FIELD_MIGRATION "ACCMIG_MIGRATION" /* id */
