/** Microsoft's SDK, loaded when it is needed, with one of its classes made to leave the process alive. */
import type { Mqtt as SdkTransport } from "azure-iot-device-mqtt";
import type { MqttBase as SdkBase } from "azure-iot-mqtt-base";

export type Sdk = Awaited<ReturnType<typeof loadSdk>>;

/** 10 MB and half a second, which only a station with this cloud pays. */
export async function loadSdk() {
  const [device, transport, base, common] = await Promise.all([
    import("azure-iot-device"),
    import("azure-iot-device-mqtt"),
    import("azure-iot-mqtt-base"),
    import("azure-iot-common"),
  ]);
  const { Client, Message } = fromCommonJs(device);
  const { Mqtt } = fromCommonJs(transport);
  const { MqttBase } = fromCommonJs(base);
  const { NoRetry } = fromCommonJs(common);
  return { Client, Message, NoRetry, ...guarded(Mqtt, MqttBase) };
}

/** What CommonJS exports comes as the default; a bundle may have the names, too. */
const fromCommonJs = <T extends object>(module: T): T =>
  "default" in module && typeof module.default === "object" && module.default !== null ? (module.default as T) : module;

function guarded(Mqtt: typeof SdkTransport, MqttBase: typeof SdkBase) {
  /** The SDK parses what comes down outside of any promise: what it throws would end the process. */
  class GuardedBase extends MqttBase {
    onStray: (error: unknown) => void = () => undefined;
    override emit(event: string | symbol, ...given: unknown[]): boolean {
      try {
        return super.emit(event, ...given);
      } catch (error) {
        this.onStray(error);
        return true;
      }
    }
  }
  return { GuardedBase, Transport: Mqtt };
}

/** Cloud-to-device. */
export interface SdkMessage {
  readonly data: Uint8Array;
  readonly properties: { readonly propertyList: readonly { readonly key: string; readonly value: string }[] };
}
