/** The agent's dialect against the local hub: in memory, and through Microsoft's SDK over TLS. */
import { describeCloud } from "@pump-station/agent/cloud/cloud.conformance.ts";
import { describeCloudFaults } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import { azureInMemory, azureOverTls } from "./testing/azure-under-test.ts";

describeCloud("Azure IoT Hub in memory", () => azureInMemory());
describeCloudFaults("Azure IoT Hub in memory", () => azureInMemory());
describeCloud("Azure IoT Hub through Microsoft's SDK", () => azureOverTls());
describeCloudFaults("Azure IoT Hub through Microsoft's SDK", () => azureOverTls());
