# >>> dbm-git hook v1 >>>
# Added by `dbm-git install`, taken out by `dbm-git uninstall`. DBM_GIT=0 skips it.
if [ "${DBM_GIT-}" != 0 ] && [ -z "${DBM_GIT_IN_HOOK-}" ]; then
  dbm_git=@binary@
  [ -x "$dbm_git" ] || dbm_git=$(command -v dbm-git) || dbm_git=
  if [ -z "$dbm_git" ]; then
    echo 'dbm-git: program not found, its part of the @hook@ hook is skipped' >&2
  else
    # dbm-git and the rest of this file both want git's lines: read once, handed out twice.
    dbm_git_input=$(cat)
    if [ -z "$dbm_git_input" ]; then
      DBM_GIT_IN_HOOK=1 "$dbm_git" hook @hook@ "$@" </dev/null || @failed@
      exec </dev/null
    else
      DBM_GIT_IN_HOOK=1 "$dbm_git" hook @hook@ "$@" <<DBM_GIT_INPUT || @failed@
$dbm_git_input
DBM_GIT_INPUT
      exec <<DBM_GIT_INPUT
$dbm_git_input
DBM_GIT_INPUT
    fi
    unset dbm_git_input
  fi
  unset dbm_git
fi
# <<< dbm-git hook v1 <<<
