# What scripts share that know of hosts: messages, packages, the cache, and ending what was started. Sourced by them; `program` is the
# name of the one that did.

# shellcheck shell=bash

repository=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
hosts=$repository/scripts/hosts
cache=$repository/.build/hosts

# Statuses of our own. The others are the command's.
readonly status_usage=64 status_timeout=124 status_failed=255

say() { printf '%s: %s\n' "$program" "$*" >&2; }

fail() {
    say "$1"
    exit "${2:-$status_failed}"
}

# Whether this machine has a KVM that this user may open: a character device of KVM's number, and not something else in its place.
has_kvm() { [[ $(stat -Lc %t:%T /dev/kvm 2>/dev/null) == a:e8 ]] && { : <>/dev/kvm; } 2>/dev/null; }

# No silent end where a command fails that nobody expected to.
set -o errtrace
trap 'say "unexpected: \"$BASH_COMMAND\" ended with $? (${BASH_SOURCE[0]##*/}, line $LINENO)"' ERR

# Packages ------------------------------------------------------------------------------------------------------------

# Runs a command as root, silently unless it fails.
as_root() {
    local log status=0 prefix=()
    ((EUID == 0)) || prefix=(sudo -n)
    log=$(mktemp)
    "${prefix[@]}" "$@" >"$log" 2>&1 </dev/null || status=$?
    ((status == 0)) || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

can_be_root() { ((EUID == 0)) || sudo -n true 2>/dev/null; }

# Two hosts may be set up at once, and the package manager does not wait for the lock of its own lists: one goes first.
# Held until `unlock_packages`, or the end of the process.
lock_packages() {
    mkdir -p "$cache"
    exec {packages_lock}>"$cache/packages-lock"
    flock "$packages_lock"
}

# What the build needs beside Swift. Where packages are not Debian's, the compiler says what is missing.
need_zlib() { ! command -v apt-get >/dev/null || need_packages zlib1g-dev=/usr/include/zlib.h; }

unlock_packages() { exec {packages_lock}>&-; }

# Once a run: the lists may be missing (as in a container image) or older than what the mirror still holds.
update_lists() {
    [[ -z ${lists_updated:-} ]] || return 0
    lists_updated=yes
    can_be_root || return 0
    say "updating the package lists ..."
    as_root apt-get update -qq || true
}

# need_packages PACKAGE=WITNESS…: installs the packages whose witness, a command or a file, is not there.
need_packages() {
    local pair witness missing=()
    for pair in "$@"; do
        witness=${pair#*=}
        command -v "$witness" >/dev/null || [[ -e $witness ]] || missing+=("${pair%%=*}")
    done
    ((${#missing[@]})) || return 0
    local by_hand="apt-get install --no-install-recommends ${missing[*]}"
    command -v apt-get >/dev/null ||
        fail "missing: ${missing[*]} (names of Debian packages), and there is no apt-get to get them"
    can_be_root || fail "missing: ${missing[*]}; get them with: sudo $by_hand"
    say "installing ${missing[*]} ..."
    lock_packages
    # Another process may hold dpkg's lock: wait for it.
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends
        -o DPkg::Lock::Timeout=300 "${missing[@]}")
    apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || update_lists
    as_root "${install[@]}" >/dev/null 2>&1 || { update_lists && as_root "${install[@]}"; } ||
        fail "could not install ${missing[*]}; try: $by_hand"
    unlock_packages
}

# unpack_package PACKAGE DIRECTORY: downloads a package and unpacks it there. Nothing is installed, no root is needed.
unpack_package() {
    local package=$1 directory=$2 log=$2/.log
    command -v apt-get >/dev/null || fail "there is no apt-get, so no way to get the Debian package $package"
    mkdir -p "$directory"
    lock_packages
    (cd "$directory" && apt-get download "$package") >"$log" 2>&1 ||
        { update_lists && (cd "$directory" && apt-get download "$package") >"$log" 2>&1; } ||
        { cat "$log" >&2 && fail "could not download $package; try: apt-get update && apt-get download $package"; }
    unlock_packages
    dpkg -x "$directory"/*.deb "$directory"
    rm -f "$directory"/*.deb "$log"
}

# Cache ---------------------------------------------------------------------------------------------------------------

# cached NAME FILE…: sets `made` to a directory that `make_NAME DIRECTORY` has filled. Made once, and again when one of
# the files, which must be all that decide its content, has changed.
cached() {
    local name=$1 fingerprint lock
    shift
    fingerprint=$(cat -- "$@" | sha256sum)
    made=$cache/$name-${fingerprint:0:12}
    [[ ! -d $made ]] || return 0
    mkdir -p "$cache"
    exec {lock}>"$cache/lock"
    flock "$lock"
    if [[ ! -d $made ]]; then # else another run has made it meanwhile
        rm -rf "$cache/new"
        mkdir "$cache/new"
        "make_$name" "$cache/new"
        rm -rf "$cache/$name"-*
        mv "$cache/new" "$made"
    fi
    exec {lock}>&-
}

# archive DIRECTORY: writes an initramfs with the content of the directory.
archive() { (cd "$1" && find . | "$busybox" cpio -o -H newc 2>/dev/null); }

# What was started, and its end ---------------------------------------------------------------------------------------

scratch=
declare -A started=()

# start COMMAND…: in the background; `$!` is its process. It dies with this script, even if that is killed with SIGKILL.
start() {
    # Without the redirection, a process in the background gets /dev/null.
    setpriv --pdeathsig KILL "$@" <&0 &
    started[$!]=yes
}

# await_end PROCESS: waits for one that was started, quietly: bash would tell of a signal.
await_end() {
    local status=0
    wait "$1" 2>/dev/null || status=$?
    unset "started[$1]"
    return "$status"
}

# end PROCESS…: those of them that have been started and not been waited for.
end() {
    local process
    for process in "$@"; do
        [[ -n ${started[$process]:-} ]] || continue
        kill -KILL "$process" 2>/dev/null || true
        await_end "$process" || true
    done
}

end_everything() {
    if declare -F end_host >/dev/null; then end_host; fi
    end "${!started[@]}"
    [[ -z $scratch ]] || rm -rf "$scratch"
    scratch=
}

# Ends as a process does that does not catch the signal, so that the caller sees what it expects.
die_of_signal() {
    trap - EXIT "$1"
    end_everything
    kill "-$1" "$$"
}

# Makes the directory `scratch`, and sees to it that nothing stays behind.
begin() {
    # A descriptor that the caller has closed would be given to the next file that is opened.
    [[ -e /proc/self/fd/0 ]] || exec </dev/null
    [[ -e /proc/self/fd/1 ]] || exec >/dev/null
    [[ -e /proc/self/fd/2 ]] || exec 2>/dev/null
    trap end_everything EXIT
    local signal
    for signal in HUP INT TERM; do
        # shellcheck disable=SC2064
        trap "die_of_signal $signal" "$signal"
    done
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/$program.XXXXXX")
}

# is_number TEXT: a positive decimal number, with a fraction or without.
is_number() { [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ && ! $1 =~ ^[0.]+$ ]]; }

# The command ---------------------------------------------------------------------------------------------------------

# quoted TEXT…: the same words for any POSIX shell.
quoted() {
    local word
    for word in "$@"; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

# command_script COMMAND…: a script for /bin/sh that runs the command in the current directory, with the variables of the
# environment that travel.
command_script() {
    local name
    printf 'cd -- %s || exit 126\n' "$(quoted "$PWD")"
    for name in $(compgen -e); do
        case $name in
            PATH | HOME | USER | LOGNAME | SHELL | TERM | TZ | LANG | LANGUAGE | LC_* | LD_LIBRARY_PATH | NO_COLOR | SWIFTVMM_*)
                printf 'export %s=%s\n' "$name" "$(quoted "${!name}")"
                ;;
        esac
    done
    printf 'unset OLDPWD\n'
    # As many open files as here, if the kernel there allows it.
    printf 'ulimit -S -n %s 2>/dev/null || true\n' "$(ulimit -S -n)"
    printf 'exec %s\n' "$(quoted "$@")"
}
