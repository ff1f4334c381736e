#!/bin/busybox sh
# The guest's init: what a technician would type on a new board, and what has to come out.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp NO_COLOR=1
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
for module in configfs irq_sim gpio-sim i2c-dev usb-common usbcore uhci-hcd i2c-smbus i2c-tiny-usb; do
  insmod /lib/modules/$module.ko
done
# The datasheet's BME280 stands still behind SMBus: chip id, calibration, one measurement.
insmod /lib/modules/i2c-stub.ko chip_addr=0x77
mount -t configfs config /sys/kernel/config
chip=/sys/kernel/config/gpio-sim/rig
mkdir -p $chip/bank0
echo rig-chip > $chip/bank0/label; echo 8 > $chip/bank0/num_lines; echo 1 > $chip/live
sim=/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank0/chip_name)
bus() { for at in /sys/bus/i2c/devices/i2c-*; do case "$(cat $at/name)" in $1*) echo "${at##*/i2c-}"; return;; esac; done; return 1; }
for try in $(seq 100); do tiny=$(bus i2c-tiny-usb) && break; sleep 1; done
stub=$(bus "SMBus stub")
echo "== i2c-tiny-usb is /dev/i2c-$tiny, i2c-stub is /dev/i2c-$stub"
sed -i "s#i2c: .*#i2c: /dev/i2c-$tiny#" /app/station.yaml
cd /app
pump_station() { node --no-warnings dist/agent.mjs "$@"; }
holds() { # holds NAME FILE PATTERN…: each pattern stands in the file
  name=$1; file=$2; shift 2
  for pattern in "$@"; do
    if grep -qE "$pattern" "$file"; then echo "ok   $name: $pattern"; else echo "FAIL $name: $pattern"; cat "$file"; fi
  done
}
none="--config /tmp/none.yaml --control /tmp/none.sock"

pump_station scan > /tmp/list 2>&1
holds "scan lists what there is" /tmp/list "/dev/i2c-$tiny" "rig-chip" "/dev/ttyS1"
pump_station scan mast --ping --file station.yaml $none > /tmp/mast 2>&1
holds "scan of i2c-tiny-usb" /tmp/mast "0x76 +bme280 +identified" "0x44 +.*sht4x"
pump_station scan baseboard --only ask --file station.yaml $none > /tmp/line 2>&1
holds "scan of ttyS1" /tmp/line "pump-mk2 +identified"

pump_station read --json --file station.yaml $none > /tmp/read 2>/tmp/read.err
cat /tmp/read.err
node -e '
  const values = JSON.parse(require("fs").readFileSync("/tmp/read", "utf8"));
  for (const { device, channel, value, quality } of values) console.log(`     ${device}.${channel} ${value} ${quality}`);
  const bad = values.filter(({ quality }) => quality !== "good");
  for (const device of ["pump", "climate", "cabinet"])
    console.log(values.some((value) => value.device === device) && !bad.some((value) => value.device === device) ? `ok   read ${device}` : `FAIL read ${device}`);
' || { echo "FAIL read"; cat /tmp/read; }

for pair in $(cat /app/bme280-registers); do i2cset -y $stub 0x77 0x${pair%%=*} 0x${pair##*=} b; done
sed "/^  mast:/,/^  pins:/s#i2c: .*#i2c: /dev/i2c-$stub#; s#address: 0x76#address: 0x77#; s#address: 0x44 *#paused: none here\n    address: 0x44#" station.yaml > /tmp/stub.yaml
pump_station scan /dev/i2c-$stub $none > /tmp/stub 2>&1
holds "scan of i2c-stub" /tmp/stub "0x77 +bme280 +identified"
pump_station read climate --json --file /tmp/stub.yaml $none > /tmp/smbus 2>&1
# 25.08 °C, less the 0.4 K by which the station file corrects.
holds "read over SMBus: the datasheet's values" /tmp/smbus '"value": ?24\.68' '"value": ?1006\.5' '"quality": ?"good"'

# The service for a minute: rain in the gauge, the adapter unplugged and plugged in again.
cat > /tmp/agent.yaml <<CONFIG
format: 1
station: demo-lake
description: /app/station.yaml
data: /tmp/data
cloud: mqtt://127.0.0.1:1
control: /tmp/control.sock
CONFIG
sed -i 's#every: 60s#every: 5s#; s#every: 30s#every: 5s#; s#pin: 3#&\n    every: 5s#' station.yaml
node --no-warnings dist/agent.mjs run --config /tmp/agent.yaml > /tmp/run 2>&1 & agent=$!
asks="--config /tmp/agent.yaml --control /tmp/control.sock"
until_holds() { # until_holds NAME PATTERN COMMAND…: within two minutes
  name=$1; pattern=$2; shift 2
  for try in $(seq 40); do
    "$@" > /tmp/until 2>&1
    if tr '\n' ' ' < /tmp/until | grep -qE "$pattern"; then echo "ok   $name"; return; fi
    sleep 3
  done
  echo "FAIL $name: $pattern"; cat /tmp/until; tail -20 /tmp/run
}
until_holds "the service reads the chips" 'climate\.temperature +[-0-9.]+ °C' pump_station read $asks
for tip in 1 2 3 4 5; do echo pull-up > $sim/sim_gpio3/pull; usleep 300000; echo pull-down > $sim/sim_gpio3/pull; usleep 300000; done
until_holds "five tips of the rain gauge are counted" 'rain\.tips +5 ' pump_station read $asks
echo RIG-UNPLUG
until_holds "an adapter that is unplugged is said" 'climate\.temperature +no value: port-absent' pump_station read $asks
echo RIG-PLUG
until_holds "an adapter that is back is read again" 'climate\.temperature +[-0-9.]+ °C' pump_station read $asks
kill $agent; wait $agent && echo "ok   the service ends when it is asked to" || { echo "FAIL the service ended with $?"; tail -20 /tmp/run; }
echo RIG-DONE
poweroff -f
