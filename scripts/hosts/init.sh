# What the first processes of the emulated hosts share. Sourced by busybox' shell.

# shellcheck shell=sh disable=SC2034

mount_system() {
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs dev /dev
    ln -s /proc/self/fd /dev/fd
    for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${name%:*}" "/dev/${name#*:}"; done
    mkdir -p /dev/pts /dev/shm
    ip link set lo up
}

# mount_terminals DEV: what belongs into a /dev besides devices.
mount_terminals() {
    mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts "$1/pts"
    mount -t tmpfs -o mode=1777 shm "$1/shm"
}

session_of() {
    read -r session <"/proc/$1/stat"
    # After the name, which may contain anything: state, parent, group, session.
    # shellcheck disable=SC2086
    set -- ${session##*) }
    session=$4
}

# Ends what a command left running: whatever is not of this process' session. The command was started in one of its own.
end_leftovers() {
    session_of 1
    own=$session
    for process in /proc/[0-9]*; do
        process=${process#/proc/}
        session_of "$process"
        [ "$session" = "$own" ] || kill -KILL "$process"
    done 2>/dev/null
}
