/**
 * An i2c-tiny-usb adapter for a QEMU guest, whose chips are those of our simulator: `usb-i2c.mjs SIMULATOR-SOCKET BUS
 * OWN-SOCKET`. QEMU's usb-redir connects to OWN-SOCKET (usbredir protocol 0.7, full speed, 32-bit ids, no capabilities);
 * the guest's driver i2c-tiny-usb makes /dev/i2c-N of it (control transfers only: linux/drivers/i2c/busses/i2c-tiny-usb.c).
 */
import { createServer, type Socket } from "node:net";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createSimulatedPorts } from "@pump-station/agent/linux/ports/simulated-ports.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import type { I2cBus } from "@pump-station/agent/world.ts";

const [simulator = "", busName = "", ownSocket = ""] = process.argv.slice(2);

/** usbredir packet types and states (usb-redir-protocol.txt). */
const HELLO = 0;
const DEVICE_CONNECT = 1;
const INTERFACE_INFO = 4;
const EP_INFO = 5;
const SET_CONFIGURATION = 6;
const CONFIGURATION_STATUS = 8;
const CONTROL = 100;
const HEADER_BYTES = 12;
const CONTROL_BYTES = 10;
const SUCCESS = 0;
const STALL = 4;

/** Requests of i2c-tiny-usb; the two low bits of an I/O request say whether the transaction begins and ends here. */
const GET_FUNCTIONS = 1;
const SET_DELAY = 2;
const GET_STATUS = 3;
const IO = 4;
const BEGINS = 1;
const ENDS = 2;
const ACKNOWLEDGED = 1;
const NOT_ACKNOWLEDGED = 2;
/** I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL */
const FUNCTIONS = 0x0eff0009;

/** FTDI's number that i2c-tiny-usb has had from its beginning: 0403:c631. */
const DEVICE = Uint8Array.of(18, 1, 0x10, 1, 0xff, 0, 0, 8, 0x03, 0x04, 0x31, 0xc6, 5, 2, 0, 0, 0, 1);
const CONFIGURATION = Uint8Array.of(9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xff, 0, 0, 0);

/** A control transfer's answer: its bytes, or the number that was taken; undefined stalls. */
type Answer = Uint8Array | number | undefined;

interface ControlRequest {
  readonly request: number;
  readonly isIn: boolean;
  readonly isStandard: boolean;
  readonly value: number;
  readonly index: number;
  readonly length: number;
  readonly data: Uint8Array;
}

function createAdapter(bus: I2cBus) {
  let status = 0;
  let written = new Uint8Array(0);

  const transfer = async (address: number, readLength: number): Promise<Uint8Array> => {
    const write = written;
    written = new Uint8Array(0);
    const read = await bus.transfer(address, write, readLength).catch(() => undefined);
    status = read ? ACKNOWLEDGED : NOT_ACKNOWLEDGED;
    return read ?? new Uint8Array(readLength);
  };

  /** What is written before a repeated start goes to the simulator with the read that follows. */
  const io = async ({ request, isIn, index, length, data }: ControlRequest): Promise<Answer> => {
    if (request & BEGINS) written = new Uint8Array(0);
    if (isIn) return transfer(index, length);
    written = Uint8Array.from([...written, ...data]);
    if (request & ENDS) await transfer(index, 0);
    else status = ACKNOWLEDGED;
    return data.length;
  };

  return async (asked: ControlRequest): Promise<Answer> => {
    if (asked.isStandard) return standard(asked);
    if (asked.request === GET_FUNCTIONS) return littleEndian(FUNCTIONS);
    if (asked.request === SET_DELAY) return 0;
    if (asked.request === GET_STATUS) return Uint8Array.of(status);
    return asked.request & IO ? io(asked) : undefined;
  };
}

function standard({ request, value, length }: ControlRequest): Answer {
  const GET_DESCRIPTOR = 6;
  if (request !== GET_DESCRIPTOR) return undefined;
  const kind = value >> 8;
  const descriptor = kind === 1 ? DEVICE : kind === 2 ? CONFIGURATION : undefined;
  return descriptor?.subarray(0, length);
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function packet(type: number, id: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([littleEndian(type), littleEndian(body.length), littleEndian(id), body]);
}

function greet(socket: Socket): void {
  const hello = Buffer.alloc(68);
  hello.write("pump-station kernel rig", "latin1");
  const endpoints = Buffer.alloc(96, 0);
  const UNUSED = 255;
  endpoints.fill(UNUSED, 0, 32);
  endpoints[0] = endpoints[16] = 0;
  const interfaces = Buffer.alloc(132);
  interfaces.writeUInt32LE(1);
  interfaces[4 + 32] = 0xff;
  const FULL_SPEED = 1;
  socket.write(packet(HELLO, 0, hello));
  socket.write(packet(EP_INFO, 0, endpoints));
  socket.write(packet(INTERFACE_INFO, 0, interfaces));
  socket.write(packet(DEVICE_CONNECT, 0, Uint8Array.of(FULL_SPEED, 0xff, 0, 0, 0x03, 0x04, 0x31, 0xc6)));
}

async function serve(socket: Socket, answer: (request: ControlRequest) => Promise<Answer>): Promise<void> {
  greet(socket);
  let heard = Buffer.alloc(0);
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    heard = Buffer.concat([heard, bytes]);
    while (heard.length >= HEADER_BYTES && heard.length >= HEADER_BYTES + heard.readUInt32LE(4)) {
      const end = HEADER_BYTES + heard.readUInt32LE(4);
      await take(socket, heard.readUInt32LE(0), heard.readUInt32LE(8), heard.subarray(HEADER_BYTES, end), answer);
      heard = heard.subarray(end);
    }
  }
}

async function take(
  socket: Socket,
  type: number,
  id: number,
  body: Buffer,
  answer: (request: ControlRequest) => Promise<Answer>,
): Promise<void> {
  if (type === SET_CONFIGURATION) socket.write(packet(CONFIGURATION_STATUS, id, Uint8Array.of(SUCCESS, body[0] ?? 0)));
  if (type !== CONTROL) return;
  const requestType = body[2] ?? 0;
  const answered = await answer({
    request: body[1] ?? 0,
    isIn: (requestType & 0x80) !== 0,
    isStandard: (requestType & 0x60) === 0,
    value: body.readUInt16LE(4),
    index: body.readUInt16LE(6),
    length: body.readUInt16LE(8),
    data: body.subarray(CONTROL_BYTES),
  });
  const head = Buffer.from(body.subarray(0, CONTROL_BYTES));
  head[3] = answered === undefined ? STALL : SUCCESS;
  const data = typeof answered === "object" ? answered : new Uint8Array(0);
  head.writeUInt16LE(typeof answered === "number" ? answered : data.length, 8);
  socket.write(packet(CONTROL, id, Buffer.concat([head, data])));
}

const ports = createSimulatedPorts({ clock: createClock(), timers: createTimers(), log: () => {} }, simulator);
const adapter = createAdapter(await ports.i2c.open(busName));
createServer((socket) => {
  socket.on("error", (error) => console.error(`usb-i2c: ${error.message}`));
  serve(socket, adapter).catch((error: unknown) => console.error(`usb-i2c: ${String(error)}`));
}).listen(ownSocket, () => console.log("usb-i2c: listens"));
