#!/bin/bash
# Pulses, a level and an output on a simulated GPIO chip (gpio-sim) of a real kernel. README.md says what it needs.
set -euo pipefail
. "$(dirname "$0")/guest.sh"
gpiod2=${GPIOD2:-}                      # a folder with gpioset, gpiomon … of libgpiod 2.x, if there is one
build_gpio_sim
new_root
mkdir -p "$root"/{v1,v2}
for tool in gpiodetect gpioinfo gpioget gpioset gpiomon; do
  add "$(command -v $tool)" "$root/v1/$tool"
  [ -z "$gpiod2" ] || add "$gpiod2/$tool" "$root/v2/$tool"
done
add_modules configfs
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
boot
