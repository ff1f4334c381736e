#!/bin/bash
# The built agent on a real kernel: a tty (8250), I2C (i2c-tiny-usb, and i2c-stub, which speaks SMBus only), a GPIO chip
# (gpio-sim). Pump and chips are those of `simulators hardware` on this machine. README.md says what it needs.
set -euo pipefail
. "$(dirname "$0")/guest.sh"
build_gpio_sim
new_root
add_modules configfs i2c-dev i2c-smbus i2c-stub usb-common usbcore uhci-hcd i2c-tiny-usb
for tool in gpioinfo gpioget gpioset gpiomon; do add "$(command -v $tool)" "$root/bin/$tool"; done
mkdir -p "$root/app/dist"
cp -r "$repo"/dist/{agent.mjs,chunks,catalogue} "$root/app/dist/"
find "$root/app/dist" -name '*.map' -delete
cp -r "$repo/package.json" "$root/app/"
for package in serialport @serialport debug ms node-gyp-build i2c-bus bindings file-uri-to-path better-sqlite3 onoff epoll lodash.debounce; do
  mkdir -p "$root/app/node_modules/$(dirname $package)" && cp -rL "$repo/node_modules/$package" "$root/app/node_modules/$package"
done
rm -rf "$root"/app/node_modules/better-sqlite3/{deps,src} "$root"/app/node_modules/better-sqlite3/build/Release/obj*
find "$root/app/node_modules" -name '*.node' | while read -r native; do add_libraries "$native" 2>/dev/null || true; done
sed -e 's#serial: .*#serial: /dev/ttyS1#' -e 's#gpio: .*#gpio: rig-chip#' -e 's#pin: 17#pin: 3#' \
  "$repo/sensor-descriptions/stations/demo-lake.yaml" > "$root/app/station.yaml"
cp "$here/station-init.sh" "$root/init"
# A BME280 as the example of its description has it, which is printed in BST-BMP280-DS001, 3.12: 25.08 °C, 1006.53 hPa.
registers() { local at=$((16#$1)); shift; for byte in "$@"; do printf '%02x=%s\n' $at "$byte"; at=$((at + 1)); done; }
{
  registers D0 60
  registers 88 70 6B 43 67 18 FC 7D 8E 43 D6 D0 0B 27 0B 8C 00 F9 FF 8C 3C F8 C6 70 17 00 4B
  registers E1 6A 01 00 13 29 03 1E
  registers F7 65 5A C0 7E ED 00 6D 60
} > "$root/app/bme280-registers"

ports=$work/ports
rm -rf "$ports" && mkdir -p "$ports"
sed -e "s#serial: .*#serial: $ports/baseboard#" -e "s#^    i2c: .*#&\n    simulator: $ports/ports.sock#" -e "s#^    gpio: .*#&\n    simulator: $ports/ports.sock#" \
  "$repo/sensor-descriptions/stations/demo-lake.yaml" > "$ports/station.yaml"
"$repo/node_modules/.bin/esbuild" "$here/usb-i2c.ts" --bundle --platform=node --format=esm --outfile="$work/usb-i2c.mjs" --log-level=error
node "$repo/dist/simulators.mjs" hardware --data "$ports" --station "$ports/station.yaml" > "$ports/hardware.log" 2>&1 & hardware=$!

# The adapter is unplugged and plugged in when the guest says so.
adapter() {
  local usb="" said=0
  trap 'kill $usb 2>/dev/null' EXIT
  plug() { node "$work/usb-i2c.mjs" "$ports/ports.sock" /dev/i2c-1 "$ports/usb.sock" >> "$ports/usb.log" 2>&1 & usb=$!; }
  plug
  while sleep 1; do
    [ "$(grep -c '^RIG-UNPLUG' "$work/console.log" || true)" -gt "$said" ] || continue
    said=$((said + 1)); kill $usb; rm -f "$ports/usb.sock"
    until [ "$(grep -c '^RIG-PLUG' "$work/console.log" || true)" -ge "$said" ]; do sleep 1; done
    plug
  done
}
until [ -S "$ports/ports.sock" ]; do sleep 0.2; done
: > "$work/console.log"
adapter & adapter=$!
trap 'kill $hardware $adapter 2>/dev/null || true' EXIT
until [ -S "$ports/usb.sock" ]; do sleep 0.2; done

boot -chardev "serial,id=uart,path=$ports/baseboard" -serial chardev:uart \
  -usb -chardev "socket,id=usb,path=$ports/usb.sock,reconnect=1" -device usb-redir,chardev=usb
