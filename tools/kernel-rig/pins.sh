#!/bin/bash
# Boots a Debian 6.1 kernel under QEMU (TCG) with gpio-sim and runs gpio-proof.mjs in it. README.md says what it needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
work=${WORK:-/tmp/pump-station-kernel-rig}
kernel=${KERNEL:-$(basename "$(ls -d /lib/modules/*-amd64 | tail -1)")}
gpiod2=${GPIOD2:-}                      # a folder with gpioset, gpiomon … of libgpiod 2.x, if there is one
mkdir -p "$work/mod" "$work/root"

if [ ! -e "$work/mod/gpio-sim.ko" ]; then
  cd "$work"
  tar xJf /usr/src/linux-source-6.1.tar.xz linux-source-6.1/drivers/gpio linux-source-6.1/kernel/irq
  cp linux-source-6.1/drivers/gpio/{gpio-sim.c,gpiolib.h} linux-source-6.1/kernel/irq/irq_sim.c mod/
  # Debian builds neither of them; out of tree the one helper that isn't exported has another name.
  sed -i -E 's/irq_to_desc\((irq[a-z]*)\)/irq_data_to_desc(irq_get_irq_data(\1))/' mod/irq_sim.c
  printf '\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >> mod/irq_sim.c
  echo 'obj-m += irq_sim.o gpio-sim.o' > mod/Makefile
  make -C "/lib/modules/$kernel/build" M="$work/mod" modules > mod/make.log 2>&1
fi

root=$work/root
rm -rf "$root" && mkdir -p "$root"/{bin,proc,sys,dev,tmp,v1,v2,app/node_modules,lib/modules}
add() { # a program and the libraries that it is linked with, where its loader looks for them
  cp "$1" "$2"
  ldd "$1" | grep -oE '/[^ ]+' | while read -r lib; do mkdir -p "$root$(dirname "$lib")" && cp -Lu "$lib" "$root$lib" && cp -Lu "$lib" "$root/lib/"; done
}
cp "$(command -v busybox)" "$root/bin/busybox"
add "$(command -v node)" "$root/bin/node"
for tool in gpiodetect gpioinfo gpioget gpioset gpiomon; do
  add "$(command -v $tool)" "$root/v1/$tool"
  [ -z "$gpiod2" ] || add "$gpiod2/$tool" "$root/v2/$tool"
done
cp "$work"/mod/*.ko "$root/lib/modules/"
find "/lib/modules/$kernel" -name 'configfs.ko*' -exec cp {} "$root/lib/modules/" \;
for package in onoff epoll bindings file-uri-to-path lodash.debounce; do
  cp -rL "$repo/node_modules/$package" "$root/app/node_modules/"
done
"$repo/node_modules/.bin/esbuild" "$here/gpio-proof.ts" --bundle --platform=node --format=esm --external:onoff \
  --outfile="$root/app/gpio-proof.mjs" --log-level=error
cat > "$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
for module in configfs irq_sim gpio-sim; do insmod /lib/modules/$module.ko; done
mount -t configfs config /sys/kernel/config
chip=/sys/kernel/config/gpio-sim/rig
mkdir -p $chip/bank0/line4
echo rig-chip > $chip/bank0/label; echo 8 > $chip/bank0/num_lines; echo DOOR > $chip/bank0/line4/name
echo 1 > $chip/live
sim=/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank0/chip_name)
cd /app
for tools in /v1 /v2; do
  [ -e $tools/gpioinfo ] || continue
  echo "== $tools: $($tools/gpioinfo --version | head -1)"
  $tools/gpiodetect; $tools/gpioinfo | cat -A
  node gpio-proof.mjs $tools $sim || echo "RIG-FAILED $tools"
done
echo "== sysfs"
node gpio-proof.mjs sysfs $sim || echo "RIG-FAILED sysfs"
echo RIG-DONE
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/initrd.cpio"
timeout "${LIMIT:-300}" qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -nographic -no-reboot -net none \
  -kernel "/boot/vmlinuz-$kernel" -initrd "$work/initrd.cpio" -append "console=ttyS0 quiet panic=-1" \
  < /dev/null | tee "$work/console.log" | sed 's/\r$//'
grep -q RIG-DONE "$work/console.log" && ! grep -qE "RIG-FAILED|^FAIL" "$work/console.log"
