# The kernel of the emulated hosts: Debian's own, unpacked, with the modules they load. Sourced.

# shellcheck shell=bash

# All modules that an emulated host loads itself; those they need come along.
readonly kernel_modules=(virtio_pci virtio_blk virtio_console 9pnet_virtio 9p overlay kvm-amd kvm-intel msr)

# make_kernel DIRECTORY: fills it with
#   vmlinuz, vmlinux   the kernel as packaged, and decompressed, which starts much sooner in an emulator
#   modules            the tree to put at /lib/modules
#   busybox            a static one
make_kernel() {
    local directory=$1 package
    say "fetching a kernel for the emulated hosts (about 70 MB, once) ..."
    unpack_package busybox-static "$directory/tree"
    unpack_kernel linux-image-amd64 "$directory/tree"
    cp "$directory"/tree/boot/vmlinuz-* "$directory/vmlinuz"
    find "$directory/tree" -name busybox -type f -perm -100 -exec cp {} "$directory/busybox" \;
    busybox=$directory/busybox
    decompress_kernel "$directory/vmlinuz" "$directory/vmlinux"
    gather_modules "$directory/tree" "$directory/modules" "${kernel_modules[@]}"
    rm -rf "$directory/tree"
}

# unpack_kernel METAPACKAGE DIRECTORY: the newest kernel that the package stands for.
unpack_kernel() {
    local package
    package=$(newest_kernel_package "$1") || { update_lists && package=$(newest_kernel_package "$1"); } ||
        fail "apt knows no kernel ($1); this needs the package sources of Debian"
    unpack_package "$package" "$2"
}

newest_kernel_package() {
    local name
    name=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: //p' | head -n 1)
    [[ -n $name ]] && printf '%s\n' "$name"
}

# bytes FILE OFFSET WIDTH: the unsigned little-endian number there.
bytes() { od -An -v -t "u$3" -j "$(($2))" -N "$3" "$1" | tr -d ' '; }

# The compressed kernel within a bzImage: Linux, Documentation/x86/boot.rst, setup_sects, payload_offset, payload_length.
# The last four bytes of the payload are its size.
decompress_kernel() {
    local image=$1 start length filter
    start=$((($(bytes "$image" 0x1f1 1) + 1) * 512 + $(bytes "$image" 0x248 4)))
    length=$(($(bytes "$image" 0x24c 4) - 4))
    case $(od -An -v -t x1 -j "$start" -N 4 "$image") in
        *fd\ 37\ 7a\ 58) filter=xz ;;
        *28\ b5\ 2f\ fd) filter=zstd ;;
        *1f\ 8b*) filter=gzip ;;
        *02\ 21\ 4c\ 18) filter=lz4 ;;
        *) fail "cannot tell how the kernel $image is compressed" ;;
    esac
    need_packages "${filter/%xz/xz-utils}=$filter"
    dd if="$image" bs=64K iflag=skip_bytes,count_bytes skip="$start" count="$length" status=none | "$filter" -dc >"$2"
}

# gather_modules TREE DIRECTORY MODULE…: of the modules in an unpacked package, those and what they need.
gather_modules() {
    local tree=$1 directory=$2 from version name wanted module
    shift 2
    # Debian's packages have them in /lib or in /usr/lib.
    from=$(find "$tree" -type d -path '*lib/modules/*' -prune)
    version=${from##*/}
    mkdir -p "$tree/depmod/lib/modules"
    mv "$from" "$tree/depmod/lib/modules/"
    from=$tree/depmod/lib/modules/$version
    find "$from" -name '*.ko.xz' -exec xz -d {} +
    "$busybox" depmod -b "$tree/depmod" "$version"
    for name in "$@"; do
        ! grep -qE "/${name//[-_]/[-_]}\.ko$" "$from/modules.builtin" || continue
        # A line is "file: file file …", all of them in the order opposite to that of loading.
        wanted=$(grep -E "/${name//[-_]/[-_]}\.ko:" "$from/modules.dep") || fail "the kernel has no module $name"
        for module in ${wanted/:/}; do
            mkdir -p "$directory/$version/${module%/*}"
            # Without its signature: to check that takes seconds in an emulator.
            head -c "$(unsigned_size "$from/$module")" "$from/$module" >"$directory/$version/$module"
        done
        printf '%s\n' "$wanted" >>"$directory/$version/modules.dep"
    done
}

# A signed module ends with the signature, struct module_signature, whose last four bytes are the signature's length in
# big-endian order, and a magic string: Linux, include/linux/module_signature.h.
unsigned_size() {
    local size end octets
    size=$(stat -c %s "$1")
    if [[ $(tail -c 28 "$1" | tr -d '\0\n') == '~Module signature appended~' ]]; then
        end=$((size - 28))
        read -ra octets < <(od -An -v -t u1 -j $((end - 4)) -N 4 "$1")
        size=$((end - 12 - (octets[2] << 8 | octets[3])))
    fi
    printf '%s\n' "$size"
}
