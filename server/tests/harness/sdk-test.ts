// One server per test file, and tests that run once with each line of the official client.
import { afterAll, beforeAll, test } from "vitest";
import { SDK_LINES, type SdkClient, type SdkVersion } from "./sdk-lines.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "./test-server.ts";

/** Starts a server before the file's tests and stops it after them; what is returned can be used inside of tests. */
export function useServer(options: TestServerOptions = {}): TestServer {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await startTestServer(options);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  return new Proxy({} as TestServer, { get: (_, key) => Reflect.get(server!, key) });
}

export interface SdkTestContext {
  client: SdkClient;
  version: SdkVersion;
}

/** Declares a test that runs with each line. */
export type SdkTest = (
  name: string,
  body: (context: SdkTestContext) => Promise<void>,
  options?: SdkTestOptions,
) => void;

export interface SdkTestOptions {
  /** For what only one line can do. @default both */
  versions?: SdkVersion[];
}

/** Tests against `server` with each line; `prefix` says what they are about. */
export function sdkTests(server: TestServer, prefix: string): SdkTest {
  return (name, body, options) => {
    for (const { version, connect } of SDK_LINES) {
      if (options?.versions?.includes(version) === false) continue;
      test(`${prefix} ${name} (SDK ${version})`, () => body({ client: connect(server.url), version }));
    }
  };
}
