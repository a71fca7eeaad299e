# What scripts/on-vt-x boots: a disk image with an uncompressed kernel and an initramfs. Sourced.

# shellcheck shell=bash

# Where the parts go in memory. The kernel is below 128 MiB.
readonly ramdisk_address=0x8000000 command_line_address=0x91000

# make_vt_x DIRECTORY: fills it with
#   boot       boot sector
#   zero       boot parameters without the size of the initramfs, and the command line
#   kernel     as it is to lie in memory
#   initramfs  what every trip has
make_vt_x() {
    local directory=$1
    as --32 -o "$directory/boot.o" "$hosts/vt-x-boot.s"
    ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$directory/boot" "$directory/boot.o"
    rm "$directory/boot.o"
    # These sections are at the end and are zero, as memory is.
    objcopy -O binary -R .bss -R .brk -R .init.scratch -R .notes "$kernel/vmlinux" "$directory/kernel"
    truncate -s %512 "$directory/kernel"
    make_boot_parameters "$directory"
    make_base_initramfs "$directory"
}

# poke FILE OFFSET VALUE: a 32-bit little-endian number.
poke() {
    local value=$(($3)) octets='' shift
    for shift in 0 8 16 24; do octets+=$(printf '\\x%02x' $((value >> shift & 255))); done
    # shellcheck disable=SC2059
    printf "$octets" | dd of="$1" bs=1 seek="$(($2))" conv=notrunc status=none
}

# The 64-bit boot protocol takes the packaged kernel's setup header, from offset 0x1f1 to where the byte at 0x201 says.
make_boot_parameters() {
    local zero=$1/zero header_end
    header_end=$((0x202 + $(bytes "$kernel/vmlinuz" 0x201 1)))
    truncate -s 4096 "$zero"
    dd if="$kernel/vmlinuz" of="$zero" bs=1 skip=$((0x1f1)) seek=$((0x1f1)) count=$((header_end - 0x1f1)) \
        conv=notrunc status=none
    poke "$zero" 0x1f4 $(($(stat -c %s "$1/kernel") / 16))
    printf '\xff\x01' | dd of="$zero" bs=1 seek=$((0x210)) conv=notrunc status=none # no known loader; loaded high
    poke "$zero" 0x218 "$ramdisk_address"
    poke "$zero" 0x228 "$command_line_address"
    # These would take seconds: self-tests of cryptography that nothing here uses, its keys, the type information for BPF;
    # and the write protection of the kernel, whose pages are checked one by one.
    local skipped=load_system_certificate_list,crypto_kdf108_init,init_blk_tracer,init_kprobe_trace,cubictcp_register
    skipped+=,bpf_rstat_kfunc_init,bpf_key_sig_kfuncs_init,bpf_prog_test_run_init,bpf_tcp_ca_kfunc_init,kfunc_init
    printf '%s ' console=ttyS0 loglevel=4 printk.devkmsg=on nokaslr mitigations=off tsc=reliable clearcpuid=aperfmperf \
        cryptomgr.notests "initcall_blacklist=$skipped" rodata=off >>"$zero"
    truncate -s $((4096 + 2048)) "$zero"
}

make_base_initramfs() {
    local tree=$1/tree name
    mkdir -p "$tree"/{dev,host/bin,proc,root,sys,tmp,usr}
    # Directories that are links on this machine are links there, so that all paths mean the same.
    for name in bin lib lib32 lib64 sbin; do
        if [[ -L /$name ]]; then cp -P "/$name" "$tree/$name"; fi
        mkdir -p "$tree/$(readlink "/$name" || printf '%s' "$name")"
    done
    for name in $("$busybox" --list); do ln -s ../busybox "$tree/host/bin/$name"; done
    cp "$busybox" "$tree/host/busybox"
    ln -s /host/busybox "$tree/bin/sh"
    mkdir -p "$tree/lib/modules"
    cp -r "$kernel/modules/." "$tree/lib/modules"
    rm -rf "$tree"/lib/modules/*/kernel/{fs,net,drivers}
    # What takes time to load and only serves to debug the kernel.
    find "$tree/lib/modules" -name '*.ko' -exec \
        objcopy --strip-unneeded -R .BTF -R .orc_unwind -R .orc_unwind_ip -R .rela.orc_unwind_ip {} \;
    cp "$hosts/init.sh" "$tree/host/init.sh"
    cp "$hosts/vt-x-init" "$tree/init"
    chmod 755 "$tree/init"
    archive "$tree" >"$1/initramfs"
    truncate -s %4 "$1/initramfs" # another archive follows
    rm -rf "$tree"
}

# make_disk TREE DISK: the disk image, with the tree added to the initramfs.
make_disk() {
    local tree=$1 disk=$2
    archive "$tree" >"$disk.initramfs"
    cat "$made/boot" "$made/zero" "$made/kernel" "$made/initramfs" "$disk.initramfs" >"$disk"
    poke "$disk" $((512 + 0x21c)) $(($(stat -c %s "$made/initramfs") + $(stat -c %s "$disk.initramfs")))
    rm "$disk.initramfs"
    truncate -s %$((16 * 63 * 512)) "$disk" # whole cylinders, as Bochs wants
}
