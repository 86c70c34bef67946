# SPDX-License-Identifier: GPL-2.0-or-later
"""Two virtual hosts with migratable devices, and what tests do with them."""
