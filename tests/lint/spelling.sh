#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# codespell on everything people read.

set -uo pipefail
. tests/lint/files.bash

all_files | grep -vE '^LICENSE$|^tests/(fixtures|golden)/.*/' | xargs -d '\n' codespell -q 3 -L nd,chekc,doas
