#!/bin/sh
# This file belongs to dbm-git.
# >>> dbm-git hook v1 >>>
# Written by `dbm-git install`, deleted by `dbm-git uninstall`. DBM_GIT=0 skips it.
if [ "${DBM_GIT-}" = 0 ] || [ -n "${DBM_GIT_IN_HOOK-}" ]; then
  @leave@
fi
dbm_git=@binary@
[ -x "$dbm_git" ] || dbm_git=$(command -v dbm-git) || {
  echo 'dbm-git: program not found, the @hook@ hook is skipped' >&2
  @leave@
}
# git commands that dbm-git runs must not come back here.
export DBM_GIT_IN_HOOK=1
# Not by exec: git would take a crash of ours for a failure of its own.
"$dbm_git" hook @hook@ "$@" || @failed@
# <<< dbm-git hook v1 <<<
