# Sourced by pins.sh and station.sh: a Debian 6.1 kernel in QEMU (TCG), its modules, and a root file system in memory.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
work=${WORK:-/tmp/pump-station-kernel-rig}
kernel=${KERNEL:-$(basename "$(ls -d /lib/modules/*-amd64 | tail -1)")}
root=$work/root

# Debian builds neither gpio-sim nor irq_sim; out of tree the one helper that isn't exported has another name.
build_gpio_sim() {
  mkdir -p "$work/mod"
  [ ! -e "$work/mod/gpio-sim.ko" ] || return 0
  (
    cd "$work"
    tar xJf /usr/src/linux-source-6.1.tar.xz linux-source-6.1/drivers/gpio linux-source-6.1/kernel/irq
    cp linux-source-6.1/drivers/gpio/{gpio-sim.c,gpiolib.h} linux-source-6.1/kernel/irq/irq_sim.c mod/
    sed -i -E 's/irq_to_desc\((irq[a-z]*)\)/irq_data_to_desc(irq_get_irq_data(\1))/' mod/irq_sim.c
    printf '\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >> mod/irq_sim.c
    echo 'obj-m += irq_sim.o gpio-sim.o' > mod/Makefile
    make -C "/lib/modules/$kernel/build" M="$work/mod" modules > mod/make.log 2>&1
  )
}

add() { # add PROGRAM TO: with the libraries that it is linked with, where its loader looks for them
  cp "$1" "$2"
  add_libraries "$1"
}
add_libraries() { # add_libraries FILE
  ldd "$1" | grep -oE '/[^ ]+' | while read -r lib; do mkdir -p "$root$(dirname "$lib")" && cp -Lu "$lib" "$root$lib" && cp -Lu "$lib" "$root/lib/"; done
}

new_root() { # a root with a shell, Node and libgpiod's tools
  rm -rf "$root" && mkdir -p "$root"/{bin,proc,sys,dev,tmp,app/node_modules,lib/modules}
  cp "$(command -v busybox)" "$root/bin/busybox"
  add "$(command -v node)" "$root/bin/node"
}

add_modules() { # add_modules NAME…: of this kernel, and ours
  cp "$work"/mod/*.ko "$root/lib/modules/"
  for name in "$@"; do find "/lib/modules/$kernel" -name "$name.ko*" -exec cp {} "$root/lib/modules/" \;; done
}

boot() { # boot [QEMU-OPTION…]: what the guest says goes to console.log and here
  chmod +x "$root/init"
  (cd "$root" && find . | cpio -o -H newc --quiet) > "$work/initrd.cpio"
  timeout "${LIMIT:-300}" qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -display none -monitor none -serial stdio -no-reboot -net none \
    -kernel "/boot/vmlinuz-$kernel" -initrd "$work/initrd.cpio" -append "console=ttyS0 quiet panic=-1" "$@" \
    < /dev/null | tee "$work/console.log" | sed 's/\r$//'
  grep -q RIG-DONE "$work/console.log" && ! grep -qE "RIG-FAILED|^FAIL" "$work/console.log"
}
