# >>> dbm-git hook v1 >>>
# Added by `dbm-git install`, taken out by `dbm-git uninstall`. DBM_GIT=0 skips it.
if [ "${DBM_GIT-}" != 0 ] && [ -z "${DBM_GIT_IN_HOOK-}" ]; then
  dbm_git=@binary@
  [ -x "$dbm_git" ] || dbm_git=$(command -v dbm-git) || dbm_git=
  if [ -z "$dbm_git" ]; then
    echo 'dbm-git: program not found, its part of the @hook@ hook is skipped' >&2
  else
    DBM_GIT_IN_HOOK=1 "$dbm_git" hook @hook@ "$@" </dev/null || @failed@
  fi
  unset dbm_git
fi
# <<< dbm-git hook v1 <<<
