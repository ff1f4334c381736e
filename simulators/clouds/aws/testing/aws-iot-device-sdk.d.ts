/** What the tests use of AWS's device SDK (version 1), which comes without types. */
declare module "aws-iot-device-sdk" {
  export interface ThingShadow {
    on(event: "connect" | "close", listener: () => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    on(event: "status", listener: (thing: string, status: string, token: string, state: unknown) => void): void;
    on(event: "delta", listener: (thing: string, state: unknown) => void): void;
    on(event: "message", listener: (topic: string, payload: Uint8Array) => void): void;
    register(thing: string, options: object, done: () => void): void;
    /** null: another operation is under way. */
    update(thing: string, state: object): string | null;
    get(thing: string): string | null;
    delete(thing: string): string | null;
    publish(topic: string, message: string, options: { readonly qos: 0 | 1 }, done?: () => void): void;
    subscribe(topic: string, options: { readonly qos: 0 | 1 }, done: () => void): void;
    end(force: boolean, done: () => void): void;
  }
  interface Options {
    readonly clientCert: Buffer;
    readonly privateKey: Buffer;
    readonly caCert: Buffer;
    readonly clientId: string;
    readonly host: string;
    readonly port: number;
  }
  const sdk: { readonly thingShadow: new (options: Options) => ThingShadow };
  export default sdk;
}
